/* SPDX-License-Identifier: MIT */
/*
 * A way to look into this process from outside: bin/inspect connects to a socket
 * and asks for one part of the machine, by name.
 *
 *    request  a name and a newline, one for each connection
 *    answer   "ok <bytes>", newline, text; or "error <words>", newline
 *
 * One thread answers, one client at a time. A client that does not go on is left
 * after a while, and at once when the machine shuts down.
 *
 * The program may close any descriptor, and then the number of ours is its own:
 * what it is of is looked at before it is used. In a child of fork() there is no
 * thread; nobody answers, and the socket goes with exec().
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "host_private.h"

#define REQUEST_B 64 /* newline included */
#define REQUEST_MS 1000
#define ANSWER_MS 5000
#define BACKLOG 8
#define STACK_B (512u << 10)

struct host_inspect {
   pthread_t thread;
   int fd; /* the socket that listens */
   dev_t dev;
   ino_t ino;

   /* Guards what follows. Held while the machine is looked at. */
   pthread_mutex_t lock;
   struct host_machine *machine; /* NULL: it shuts down */
   int client;                   /* who is served, or -1 */
};

/* ------------------------------------------------------------- one client -- */

static int64_t
now_ms(void)
{
   struct timespec now;

   clock_gettime(CLOCK_MONOTONIC, &now);
   return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until the client is ready for @events: 0, or -ETIMEDOUT. */
static int
wait_for(int client, short events, int64_t deadline_ms)
{
   struct pollfd pollfd = {.fd = client, .events = events};
   int64_t left = deadline_ms - now_ms();
   int ret;

   if (left <= 0)
      return -ETIMEDOUT;
   ret = poll(&pollfd, 1, (int)left);
   if (ret < 0)
      return errno == EINTR ? 0 : -errno;
   return ret ? 0 : -ETIMEDOUT;
}

/* -E2BIG: there is no end of line in it; -ECONNRESET: the client has left. */
static int
receive(int client, char name[REQUEST_B])
{
   int64_t deadline_ms = now_ms() + REQUEST_MS;
   size_t count = 0;
   int ret = 0;

   while (!ret && count < REQUEST_B) {
      ssize_t got = recv(client, name + count, REQUEST_B - count, 0);

      if (got == 0)
         return -ECONNRESET;
      if (got < 0 && errno != EAGAIN && errno != EINTR)
         return -errno;
      if (got < 0) {
         ret = wait_for(client, POLLIN, deadline_ms);
         continue;
      }
      char *end = memchr(name + count, '\n', (size_t)got);
      if (end) {
         *end = '\0';
         return 0;
      }
      count += (size_t)got;
   }
   return ret ? ret : -E2BIG;
}

static int
send_all(int client, const char *data, size_t size_B, int64_t deadline_ms)
{
   int ret = 0;

   while (!ret && size_B) {
      ssize_t sent = send(client, data, size_B, MSG_NOSIGNAL);

      if (sent < 0 && errno != EAGAIN && errno != EINTR)
         return -errno;
      if (sent < 0) {
         ret = wait_for(client, POLLOUT, deadline_ms);
         continue;
      }
      data += sent;
      size_B -= (size_t)sent;
   }
   return ret;
}

/* Who may debug this process may look. */
static int
check_user(int client)
{
   struct ucred peer;
   socklen_t size = sizeof(peer);

   if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size))
      return -errno;
   return peer.uid == 0 || peer.uid == geteuid() ? 0 : -EACCES;
}

static const char *
explain(int error)
{
   switch (-error) {
   case EACCES:
      return "this is another user's process";
   case ENOENT:
      return "there is no part of that name";
   case E2BIG:
      return "the request is too long";
   case ETIMEDOUT:
      return "there was no request";
   case ENOMEM:
      return "the process has no memory left for the answer";
   case ENODEV:
      return "the driver is shutting down";
   default:
      return strerror(-error);
   }
}

/* Where the client has left, there is nobody to tell of an error. */
static void
answer(struct host_inspect *inspect, int client)
{
   char name[REQUEST_B], head[96];
   char *text = NULL;
   size_t size_B = 0;
   int ret = receive(client, name);

   if (!ret)
      ret = check_user(client);
   if (!ret) {
      pthread_mutex_lock(&inspect->lock);
      ret = inspect->machine ? host_inspect_text(inspect->machine, name, &text,
                                                 &size_B)
                             : -ENODEV;
      pthread_mutex_unlock(&inspect->lock);
   }
   if (ret)
      snprintf(head, sizeof(head), "error %s\n", explain(ret));
   else
      snprintf(head, sizeof(head), "ok %zu\n", size_B);

   int64_t deadline_ms = now_ms() + ANSWER_MS;
   if (!send_all(client, head, strlen(head), deadline_ms) && text)
      (void)send_all(client, text, size_B, deadline_ms);
   free(text);
}

/* ----------------------------------------------------------------- thread -- */

static bool
is_ours(const struct host_inspect *inspect)
{
   struct stat st;

   return !fstat(inspect->fd, &st) && st.st_dev == inspect->dev &&
          st.st_ino == inspect->ino;
}

/* False: the machine shuts down. */
static bool
set_client(struct host_inspect *inspect, int client)
{
   pthread_mutex_lock(&inspect->lock);
   bool runs = inspect->machine != NULL;
   inspect->client = client;
   pthread_mutex_unlock(&inspect->lock);
   return runs;
}

static bool
is_passing(int error)
{
   return error == EINTR || error == ECONNABORTED || error == EMFILE ||
          error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void *
serve(void *data)
{
   struct host_inspect *inspect = data;
   bool runs = true;

   prctl(PR_SET_NAME, "inspect");
   while (runs && is_ours(inspect)) {
      int client = accept4(inspect->fd, NULL, NULL,
                           SOCK_CLOEXEC | SOCK_NONBLOCK);

      if (client < 0 && !is_passing(errno))
         break;
      if (client < 0) {
         /* The client waits until the program has a descriptor left. */
         (void)poll(NULL, 0, 100);
         continue;
      }
      runs = set_client(inspect, client);
      if (runs)
         answer(inspect, client);
      (void)set_client(inspect, -1);
      close(client);
   }
   return NULL;
}

/* Signals are the program's, but for those that tell of a bug here. */
static int
start_thread(struct host_inspect *inspect)
{
   pthread_attr_t attr;
   sigset_t blocked, old;
   int ret = pthread_attr_init(&attr);

   if (ret)
      return -ret;
   sigfillset(&blocked);
   sigdelset(&blocked, SIGSEGV);
   sigdelset(&blocked, SIGBUS);
   sigdelset(&blocked, SIGFPE);
   sigdelset(&blocked, SIGILL);
   ret = pthread_attr_setstacksize(&attr, STACK_B);
   if (!ret)
      ret = pthread_sigmask(SIG_SETMASK, &blocked, &old);
   if (!ret) {
      ret = pthread_create(&inspect->thread, &attr, serve, inspect);
      pthread_sigmask(SIG_SETMASK, &old, NULL);
   }
   pthread_attr_destroy(&attr);
   return -ret;
}

/* The name is in the network namespace's list of sockets, and no file. */
static int
listen_as(int fd, pid_t pid)
{
   struct sockaddr_un address = {.sun_family = AF_UNIX};
   int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
                         "pansparse-%d", (int)pid);
   socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                                (size_t)length);

   if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, BACKLOG))
      return -errno;
   return 0;
}

struct host_inspect *
host_inspect_start(struct host_machine *machine)
{
   struct host_inspect *inspect = calloc(1, sizeof(*inspect));
   struct stat st;

   if (!inspect)
      return NULL;
   pthread_mutex_init(&inspect->lock, NULL);
   inspect->machine = machine;
   inspect->client = -1;
   inspect->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
   if (inspect->fd < 0)
      goto err_free;
   if (fstat(inspect->fd, &st) || listen_as(inspect->fd, getpid()))
      goto err_close;
   inspect->dev = st.st_dev;
   inspect->ino = st.st_ino;
   if (start_thread(inspect))
      goto err_close;
   return inspect;

err_close:
   close(inspect->fd);
err_free:
   pthread_mutex_destroy(&inspect->lock);
   free(inspect);
   return NULL;
}

void
host_inspect_stop(struct host_inspect *inspect)
{
   if (!inspect)
      return;
   pthread_mutex_lock(&inspect->lock);
   inspect->machine = NULL;
   if (inspect->client >= 0)
      shutdown(inspect->client, SHUT_RDWR);
   pthread_mutex_unlock(&inspect->lock);

   /*
    * The program has closed our socket: nothing but a client would wake the
    * thread, which then finds that there is no machine, and goes.
    */
   if (!is_ours(inspect)) {
      pthread_detach(inspect->thread);
      return;
   }
   shutdown(inspect->fd, SHUT_RDWR);
   pthread_join(inspect->thread, NULL);
   close(inspect->fd);
   pthread_mutex_destroy(&inspect->lock);
   free(inspect);
}
