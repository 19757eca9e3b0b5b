/* SPDX-License-Identifier: MIT */
/* A part of a recording, as a recording. */
#include <errno.h>

#include "replay_cut.h"
#include "replay_shrink.h"

static void
put_ioctl(struct record_writer *writer, const struct record_ioctl *ioctl)
{
   struct record_call call;

   record_call_init(&call, writer, ioctl->target, ioctl->id, ioctl->request,
                    (const void *)(uintptr_t)ioctl->arg);
   for (size_t i = 0; i < ioctl->copy_count; i++)
      record_call_copy(&call, ioctl->copies[i].out,
                       (const void *)(uintptr_t)ioctl->copies[i].addr,
                       ioctl->copies[i].bytes, ioctl->copies[i].size_B);
   for (size_t i = 0; i < ioctl->fd_count; i++)
      record_call_fd(&call, &ioctl->fds[i]);
   if (ioctl->group)
      record_call_group(&call, ioctl->group);
   if (ioctl->ended)
      record_call_end(&call, ioctl->ret);
}

/* @mask: of a VM_BIND, which ops; NULL: all. False: no memory. */
static bool
put_part_of_ioctl(struct record_writer *writer, const struct record_ioctl *ioctl,
                  const uint8_t *mask)
{
   struct replay_cut cut;

   if (!mask) {
      put_ioctl(writer, ioctl);
      return true;
   }
   if (!replay_cut(ioctl, mask, &cut))
      return false;
   put_ioctl(writer, &cut.ioctl);
   replay_cut_free(&cut);
   return true;
}

static bool
put_event(struct record_writer *writer, const struct record_event *event,
          const uint8_t *mask)
{
   switch (event->kind) {
   case RECORD_BOOT:
   case RECORD_SHUTDOWN:
   case RECORD_OPEN:
   case RECORD_CLOSE:
      record_numbers(writer, event->kind, event->numbers, RECORD_NUMBERS_MAX);
      return true;
   case RECORD_IOCTL:
      return put_part_of_ioctl(writer, &event->ioctl, mask);
   case RECORD_MMAP:
      record_mmap(writer, event->map.target, event->map.id, event->map.inode,
                  event->map.size_B, event->map.prot, event->map.flags,
                  event->map.offset, (const void *)(uintptr_t)event->map.addr,
                  event->map.ret);
      return true;
   case RECORD_MUNMAP:
      record_munmap(writer, (const void *)(uintptr_t)event->unmap.addr,
                    event->unmap.size_B, event->unmap.ret);
      return true;
   case RECORD_MEMORY:
      record_memory(writer, event->memory.group, event->memory.queue,
                    event->memory.job, event->memory.va, event->memory.bytes,
                    event->memory.size_B);
      return true;
   case RECORD_VM:
      /* Nobody knows what a part of the binds leaves, but it can be looked at. */
      record_vm(writer, event->vm.file, event->vm.vm_id, true, NULL, 0);
      return true;
   default:
      /* Counters are those of the whole. */
      return true;
   }
}

int
replay_write(const struct record_stream *stream, const struct replay_shrunk *shrunk,
             const char *path)
{
   struct record_writer *writer;
   int ret = record_writer_create(path, &writer);
   bool done = true;

   if (ret)
      return ret;
   for (size_t i = 0; i < stream->count && done; i++) {
      if (shrunk->events[i])
         done = put_event(writer, &stream->events[i], shrunk->ops[i]);
   }
   ret = done ? record_writer_error(writer) : -ENOMEM;
   int finished = record_writer_finish(writer);
   record_writer_destroy(writer);
   return ret ? ret : finished;
}
