/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* A file and a VM on the machine of fw_machine.h, for tests of what is in VMs. */
#ifndef FW_VM_H
#define FW_VM_H

#include "fw_machine.h"

struct linux_file;
struct panthor_vm;

extern struct linux_file *file;
extern struct panthor_vm *vm;
extern u32 vm_id;

/* Probes, opens a file, creates the VM; the inverse. */
void start(void);
void stop(void);
/* VM_DESTROY; stop() is due all the same. */
void destroy_vm(void);
/* The CPU's view of what the VM has at @va, or NULL. */
void *at(u64 va);

#endif /* FW_VM_H */
