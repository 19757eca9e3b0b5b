/* SPDX-License-Identifier: MIT */
/*
 * The uAPI as data: where in the arguments of an ioctl are objects, pointers and
 * answers. What is not said here goes through as it is.
 */
#ifndef REPLAY_UAPI_H
#define REPLAY_UAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Objects that a file names by numbers, which may be others in a replay. */
enum uapi_id {
   UAPI_VM,
   UAPI_BO,
   UAPI_GROUP,
   UAPI_HEAP,
   UAPI_SYNCOBJ,
   UAPI_OFFSET, /* of mmap(2), 64 bits */
   UAPI_ID_COUNT,
};

enum uapi_field_kind {
   UAPI_OUT,        /* an answer, which must be the same */
   UAPI_USE,        /* an object; 0 is none */
   UAPI_NEW,        /* an answer: a new object */
   UAPI_NEW_OR_OLD, /* the same, or one that the file has already */
   UAPI_DROP,       /* the object goes */
   UAPI_FD_IN,      /* a descriptor that an ioctl gave */
   UAPI_FD_OUT,
   UAPI_EVENTFD,
   UAPI_DEADLINE,   /* of a wait */
};

struct uapi_field {
   const char *name;
   enum uapi_field_kind kind;
   enum uapi_id id;
   uint16_t offset, size_B;
};

enum uapi_array_kind {
   UAPI_OBJ_ARRAY, /* a struct drm_panthor_obj_array */
   UAPI_COUNTED,   /* a pointer, and elsewhere how many */
   UAPI_STRING,    /* a pointer to text that ends in NUL */
};

struct uapi_array {
   const char *name;
   enum uapi_array_kind kind;
   uint16_t offset;       /* of the pointer, or of the obj_array */
   uint16_t count_offset; /* UAPI_COUNTED */
   uint16_t count_size_B;
   uint16_t item_B; /* UAPI_COUNTED: bytes of an element */
   bool compared;   /* what is written there must be the same */
   const struct uapi_struct *item; /* NULL: nothing in it */
};

struct uapi_struct {
   const struct uapi_field *fields;
   size_t field_count;
   const struct uapi_array *arrays;
   size_t array_count;
};

struct uapi_ioctl {
   const char *name;
   uint32_t request; /* of the current size: older structs are shorter */
   bool waits;       /* 0 or -ETIME is a matter of time */
   struct uapi_struct arg;
};

/* NULL: unknown. */
const struct uapi_ioctl *uapi_find(uint32_t request);

#endif /* REPLAY_UAPI_H */
