/* SPDX-License-Identifier: MIT */
/* A client of host_inspect.c, for tests: bin/inspect in C. */
#ifndef ATTACH_H
#define ATTACH_H

#include <stddef.h>
#include <sys/types.h>

/* A connection to the machine of a process, or -1 with errno. */
int attach_connect(pid_t pid);
/*
 * All that comes, until the other end closes, as text to be free()d, and the
 * connection is closed. NULL: nothing has come for 20 s.
 */
char *attach_receive(int connection);
/*
 * The answer to a request (a name and a newline, if it is a good one), its head
 * included, as attach_receive() gives it; NULL with errno: no connection.
 */
char *attach_exchange(pid_t pid, const void *request, size_t size_B);
/* The text of a part of this process's machine; NULL: an error. */
char *attach_ask(const char *part);

#endif /* ATTACH_H */
