/* SPDX-License-Identifier: MIT */
#include "replay_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void
replay_memory_init(struct replay_memory *memory, const struct record_ioctl *ioctl)
{
   *memory = (struct replay_memory){.ioctl = ioctl};
}

void
replay_memory_free(struct replay_memory *memory)
{
   for (size_t i = 0; i < memory->count; i++) {
      struct replay_piece *piece = &memory->pieces[i];

      if (piece->mapping)
         munmap(piece->mapping, piece->mapping_B);
      else
         free(piece->real);
      free(piece->expected);
      free(piece->written);
   }
   free(memory->pieces);
}

/* How far from @recorded on the recording shows something, without a gap. */
static size_t
shown_B(const struct record_ioctl *ioctl, uint64_t recorded, uint64_t limit_B)
{
   uint64_t shown = 0, before;

   /* Copies are in the order of addresses, but for exceptions. */
   do {
      before = shown;
      for (size_t i = 0; i < ioctl->copy_count; i++) {
         const struct record_copy *copy = &ioctl->copies[i];
         uint64_t offset = copy->addr - recorded;

         if (copy->addr >= recorded && offset <= shown &&
             offset + copy->size_B > shown)
            shown = offset + copy->size_B;
      }
   } while (shown > before && shown < limit_B);
   return shown < limit_B ? shown : limit_B;
}

/* Ours end where nothing is readable. */
static bool
map_before_hole(struct replay_piece *piece, size_t size_B)
{
   const size_t page_B = (size_t)sysconf(_SC_PAGESIZE);
   size_t room_B = (size_B + page_B - 1) / page_B * page_B;

   piece->mapping_B = room_B + page_B;
   piece->mapping = mmap(NULL, piece->mapping_B, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   if (piece->mapping == MAP_FAILED) {
      piece->mapping = NULL;
      return false;
   }
   if (room_B && mprotect(piece->mapping, room_B, PROT_READ | PROT_WRITE))
      return false;
   piece->real = (unsigned char *)piece->mapping + room_B - size_B;
   return true;
}

static void
fill(struct replay_piece *piece, const struct record_ioctl *ioctl)
{
   for (size_t i = 0; i < ioctl->copy_count; i++) {
      const struct record_copy *copy = &ioctl->copies[i];
      uint64_t offset = copy->addr - piece->recorded;

      if (copy->addr < piece->recorded || offset >= piece->size_B)
         continue;
      size_t size_B = copy->size_B < piece->size_B - offset
                         ? copy->size_B
                         : piece->size_B - offset;
      if (!copy->out)
         memcpy(piece->real + offset, copy->bytes, size_B);
      memcpy(piece->expected + offset, copy->bytes, size_B);
      memset(piece->written + offset, copy->out, size_B);
   }
}

struct replay_piece *
replay_memory_add(struct replay_memory *memory, uint64_t recorded, size_t least_B,
                  uint64_t limit_B)
{
   struct replay_piece piece = {.recorded = recorded};
   struct replay_piece *pieces =
      realloc(memory->pieces, (memory->count + 1) * sizeof(*pieces));

   memory->failed = true;
   if (!pieces)
      return NULL;
   memory->pieces = pieces;

   piece.size_B = shown_B(memory->ioctl, recorded, limit_B);
   bool ends = memory->ioctl->ended && memory->ioctl->ret == -EFAULT;
   if (piece.size_B < least_B && !ends)
      piece.size_B = least_B;
   if (!ends)
      piece.real = calloc(1, piece.size_B + 1);
   else if (!map_before_hole(&piece, piece.size_B))
      piece.real = NULL;
   piece.expected = calloc(1, piece.size_B + 1);
   piece.written = calloc(1, piece.size_B + 1);
   pieces[memory->count++] = piece;
   if (!piece.real || !piece.expected || !piece.written)
      return NULL;
   fill(&piece, memory->ioctl);
   memory->failed = false;
   return &pieces[memory->count - 1];
}
