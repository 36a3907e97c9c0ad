// Owns the stepping of a thread from mark to mark, one machine instruction after another.
// usage: single-step PID FILE
// A mark is a SIGTRAP that the process sends to itself. FILE gets, as 64-bit words of this machine, the address of each instruction between an
// odd mark and the next; 1 stands for the mark that begins, 2 for the one that ends.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

static FILE *out;

static void put(uint64_t word) {
  if (fwrite(&word, sizeof(word), 1, out) != 1) {
    perror("single-step: writing");
    exit(1);
  }
}

int main(int count, char **words) {
  if (count != 3) {
    fprintf(stderr, "usage: single-step PID FILE\n");
    return 2;
  }
  const pid_t pid = atoi(words[1]);
  out = fopen(words[2], "wb");
  if (!out || ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) {
    perror("single-step");
    return 1;
  }
  int stepping = 0;
  for (;;) {
    int status;
    if (waitpid(pid, &status, __WALL) < 0 || WIFEXITED(status) || WIFSIGNALED(status)) break;
    if (!WIFSTOPPED(status)) continue;
    const int is_event = status >> 16;
    int deliver = 0;
    if (WSTOPSIG(status) == SIGTRAP && !is_event) {
      siginfo_t info;
      ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
      if (info.si_code <= 0) {
        stepping = !stepping;
        put(stepping ? 1 : 2);
      } else if (stepping) {
        struct user_regs_struct registers;
        ptrace(PTRACE_GETREGS, pid, 0, &registers);
        put(registers.rip);
      }
    } else if (!is_event) {
      deliver = WSTOPSIG(status);
    }
    ptrace(stepping ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, 0, deliver);
  }
  return fclose(out) == 0 ? 0 : 1;
}
