// count_instructions.c - a plugin of QEMU (user mode) that counts the instructions of a program and
// prints the number at its end. Only what it calls of QEMU's plugin interface is declared here.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXPORTED __attribute__((visibility("default")))

struct qemu_plugin_tb;  // a piece of code that QEMU translates at once
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* tb);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*cb)(uint64_t id, struct qemu_plugin_tb* tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* tb, int op, void* to,
                                              uint64_t value);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*cb)(uint64_t id, void* user), void* user);

EXPORTED int qemu_plugin_version = 1;
static uint64_t instructions;

static void translated(uint64_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  const int add = 0;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, add, &instructions, qemu_plugin_tb_n_insns(tb));
}

static void at_exit(uint64_t id, void* user) {
  (void)id;
  (void)user;
  fprintf(stderr, "instructions %llu\n", (unsigned long long)instructions);
}

EXPORTED int qemu_plugin_install(uint64_t id, const void* info, int count, char** arguments) {
  (void)info;
  (void)count;
  (void)arguments;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, at_exit, NULL);
  return 0;
}
