/* SPDX-License-Identifier: MIT */
/*
 * Another process of the same program, with a node of its own, which does what it
 * is told: one call, one answer. Buffers have slots, of a descriptor, a handle and a
 * mapping each. The same functions do it in this process.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE_B 4096ul
#define PEER_SLOTS 16

enum peer_op {
   PEER_CREATE,     /* a BO of @size_B bytes, exported with @flags */
   PEER_SYNCOBJ,    /* a descriptor of one, instead */
   PEER_TAKE,       /* the descriptor that comes along */
   PEER_GIVE,       /* a copy of the slot's descriptor goes back */
   PEER_SEEK,       /* value: lseek() to the end */
   PEER_IMPORT,     /* value: the handle */
   PEER_EXPORT,     /* the handle with @flags, in the place of the descriptor */
   PEER_INFO,       /* value: extra_flags of BO_QUERY_INFO */
   PEER_SYNC,       /* BO_SYNC */
   PEER_IOCTL,      /* DMA_BUF_IOCTL_SYNC of the descriptor */
   PEER_MAP,        /* through the node, @size_B bytes */
   PEER_MAP_FD,     /* through the descriptor, from @offset on */
   PEER_UNMAP,      /* @size_B bytes */
   PEER_LOAD,       /* value: the word at @offset of the mapping */
   PEER_STORE,      /* @value there */
   PEER_GPU_LOAD,   /* the same, by command streams */
   PEER_GPU_STORE,
   PEER_CLOSE_FD,
   PEER_CLOSE_HANDLE,
   PEER_FRAGMENT,   /* leaves no two free pages side by side */
   PEER_CHURN,      /* imports and closes, over and over: does not answer */
   PEER_QUIT,
};

struct peer_call {
   uint32_t op, slot;
   uint64_t offset, size_B;
   uint32_t value, flags;
};

struct peer_answer {
   int64_t value; /* or -errno */
};

struct peer {
   pid_t pid;
   int socket;
};

/* Starts one. */
struct peer peer_start(void);
/* Its exit status must be 0: neither a failure, nor a leak of the driver. */
void peer_finish(struct peer *peer);
/* Ends it without a warning. */
void peer_kill(struct peer *peer);

/* What a call answers; @fd, or -1, goes along; *@fd_out, if not NULL, comes back. */
int64_t peer_call_fd(const struct peer *peer, struct peer_call call, int fd,
                     int *fd_out);
/* Sends without waiting for an answer. */
void peer_send(const struct peer *peer, struct peer_call call);

/* Does @call in this process; descriptors as above. */
int64_t peer_do(struct peer_call call, int fd, int *fd_out);
/* Closes all that this process's slots have, and the node. */
void peer_done(void);

/* The life of a peer that was started with @argument. */
int peer_main(const char *argument);

#endif /* PEER_H */
