/* SPDX-License-Identifier: MIT */
/* Names of files that a user asks for, one for each process. */
#ifndef HOST_PATH_H
#define HOST_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* @pattern with each "%p" replaced by the process id. False if it does not fit. */
bool host_path_expand(const char *pattern, char *path, size_t size);

#endif /* HOST_PATH_H */
