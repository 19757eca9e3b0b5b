/* SPDX-License-Identifier: MIT */
#include "attach.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
attach_connect(pid_t pid)
{
   struct sockaddr_un address = {.sun_family = AF_UNIX};
   int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
                         "pansparse-%d", (int)pid);
   socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                                (size_t)length);
   int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

   if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size)) {
      int saved = errno;

      close(fd);
      errno = saved;
      return -1;
   }
   return fd;
}

char *
attach_receive(int connection)
{
   struct pollfd pollfd = {.fd = connection, .events = POLLIN};
   size_t count = 0, room = 1 << 16;
   char *text = malloc(room);
   ssize_t got = 0;

   while (text && poll(&pollfd, 1, 20000) == 1 &&
          (got = recv(connection, text + count, room - count - 1, 0)) > 0) {
      count += (size_t)got;
      if (room - count < 2) {
         char *grown = realloc(text, room *= 2);

         if (!grown)
            free(text);
         text = grown;
      }
   }
   close(connection);
   if (got > 0) {
      free(text);
      return NULL;
   }
   if (text)
      text[count] = '\0';
   return text;
}

char *
attach_exchange(pid_t pid, const void *request, size_t size_B)
{
   int fd = attach_connect(pid);

   if (fd < 0)
      return NULL;
   /* Where it fails, the answer says why. */
   (void)!send(fd, request, size_B, MSG_NOSIGNAL);
   return attach_receive(fd);
}

char *
attach_ask(const char *part)
{
   char request[64];
   int length = snprintf(request, sizeof(request), "%s\n", part);
   char *answer = attach_exchange(getpid(), request, (size_t)length);
   size_t size_B = 0, head = 0;

   if (answer && sscanf(answer, "ok %zu", &size_B) == 1)
      head = strcspn(answer, "\n") + 1;
   if (!head || strlen(answer + head) != size_B) {
      free(answer);
      return NULL;
   }
   memmove(answer, answer + head, size_B + 1);
   return answer;
}
