/* SPDX-License-Identifier: MIT */
/*
 * Vulkan objects with their models beside them, for random sequences of work.
 *
 * Commands are recorded one after the other with full barriers between them,
 * and the model follows at once. What the device answers goes to a readback
 * buffer with what is expected of it, and is compared at the next checkpoint.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "model.h"
#include "vt.h"

#define WORLD_MAX_RESOURCES 5
#define WORLD_MAX_BINDS 6

/* xorshift64*; never 0. */
struct world_random {
   uint64_t state;
};
uint32_t world_below(struct world_random *random, uint32_t limit);
/* True once in @n. */
bool world_one_in(struct world_random *random, uint32_t n);

struct world_memory {
   VkDeviceMemory handle;
   struct model_memory model;
};

enum world_kind { WORLD_BUFFER, WORLD_IMAGE_2D, WORLD_IMAGE_3D };

struct world_resource {
   enum world_kind kind;
   char name[16];
   bool residency; /* may be used partly bound */
   struct model_resource model;
   VkMemoryRequirements req;
   VkBuffer buffer;
   /* images */
   VkImage image;
   VkFormat format;
   uint32_t components; /* of texel_B / components bytes, unsigned */
   VkSparseImageMemoryRequirements sparse;
   VkImageView view;                          /* sampled, everything */
   VkImageView level_views[MODEL_MAX_LEVELS]; /* storage; or null */
   /*
    * Of this resource alone. tails: two places for each tail; whole: for opaque
    * binds of everything. Without blocks where there is nothing for them.
    */
   struct world_memory tails, whole;
   bool ready; /* an image's layout is GENERAL */
};

struct world {
   struct world_random random;
   uint64_t seed; /* that it began with */
   bool aliased;  /* blocks may be bound in many places */
   bool strict;
   bool codes; /* shaders may ask for residency */
   bool verbose;
   uint32_t next_layout;
   struct world_memory memory[2];
   uint32_t memory_count;
   struct world_resource resources[WORLD_MAX_RESOURCES];
   uint32_t resource_count;
   uint64_t checked_B; /* known bytes that were compared */
};

/* What is shared by all worlds, over the device of the group. */
void world_rig_init(void);
void world_rig_finish(void);
/* Forgets what a sequence left that failed. */
void world_rig_reset(void);

/*
 * A world with nothing in it; then its resources; then memory that all can use.
 * world_finish() ends with a checkpoint.
 */
void world_init(struct world *world, uint64_t seed, bool aliased);
void world_finish(struct world *world);
struct world_resource *world_add_buffer(struct world *world, bool residency);
/* NULL where the device cannot make the image that chance came up with. */
struct world_resource *world_add_image(struct world *world,
                                       enum world_kind kind, bool residency);
/* An image is bound as far as it must be: brings it into layout GENERAL. */
void world_image_ready(struct world *world, struct world_resource *res);
/* False where no type of memory suits all resources. */
bool world_add_memory(struct world *world, uint32_t blocks);

/* Says what is done, if the world is verbose. */
void world_say(const struct world *world, const char *format, ...)
   __attribute__((format(printf, 2, 3)));

/*
 * Before each action: there is room for two slices of either kind and for one
 * dispatch or bind. May be a checkpoint.
 */
#define WORLD_SLICE_MAX_B (2u << 20)
void world_make_room(struct world *world);
/* The command buffer that records. */
VkCommandBuffer world_commands(struct world *world);
/* What was recorded comes before what is recorded from here on. */
void world_barrier(struct world *world);
/*
 * Executes binds after all that was recorded and before all that will be.
 * @by_semaphores: queued behind a timeline; else the CPU waits before.
 */
void world_bind(struct world *world, VkBindSparseInfo *info,
                bool by_semaphores);

/* Room in a buffer that the CPU sees too. */
struct world_slice {
   VkBuffer buffer;
   VkDeviceSize offset;
   uint8_t *map;
};
/* The CPU writes it now. */
struct world_slice world_upload(struct world *world, size_t size_B);
/*
 * The device is going to write it, and at the next checkpoint it must hold what
 * @expected knows. Takes @expected. The text is for messages.
 */
struct world_slice world_expect(struct world *world,
                                struct model_bytes expected, const char *format,
                                ...) __attribute__((format(printf, 3, 4)));

/* May a shader ask for residency codes of the image? */
bool world_has_codes(const struct world *world,
                     const struct world_resource *res);

enum world_shader {
   WORLD_SHADER_BUFFER,
   WORLD_SHADER_FETCH,
   WORLD_SHADER_STORE
};
/* For the push constants of the shaders, which take as much as they need. */
struct world_push {
   uint32_t mode, seed, level, at[3], size[3];
};
/*
 * Dispatches @shader over a region of @res. What the buffer's shader works on
 * are words from a byte offset that vt's limits allow.
 */
void world_dispatch(struct world *world, enum world_shader shader,
                    const struct world_resource *res,
                    const struct model_region *region, uint32_t mode,
                    uint32_t seed, struct world_slice out, size_t out_B);

/*
 * The actions, which chance fills in: model_bind.c and model_work.c. Each
 * returns false if there was nothing that it could do.
 */
struct world_action {
   const char *name;
   unsigned weight;
   bool (*run)(struct world *world);
};
extern const struct world_action world_actions[];
extern const unsigned world_action_count;
bool world_act_bind(struct world *world);
bool world_act_opaque(struct world *world);
bool world_act_upload(struct world *world);
/* Reads everything that may be read. */
void world_read_all(struct world *world);

/* Waits for everything and compares what was expected; fails the test. */
void world_checkpoint(struct world *world);

#endif /* MODEL_WORLD_H */
