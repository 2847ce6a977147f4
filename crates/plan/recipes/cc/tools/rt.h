/* A run-time system for small static programs without a libc: sysroot.sh can build them for the machine it runs on although
   the only libc it makes is the target's. System calls of x86_64 and aarch64 Linux; just what as.c, nm.c and strip.c use. */
#ifndef RT_H
#define RT_H
#include <stddef.h>
#include <stdint.h>

#if defined __x86_64__
enum { SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_lseek = 8, SYS_mmap = 9, SYS_munmap = 11, SYS_exit = 231, SYS_openat = 257, SYS_renameat2 = 316, SYS_fchmod = 91, SYS_unlinkat = 263, SYS_execve = 59, SYS_getcwd = 79 };
static long sys(long n, long a, long b, long c, long d, long e, long f) {
  long r;
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return r;
}
__asm__(".globl _start\n_start: xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call start\n hlt\n");
#elif defined __aarch64__
enum { SYS_read = 63, SYS_write = 64, SYS_close = 57, SYS_lseek = 62, SYS_mmap = 222, SYS_munmap = 215, SYS_exit = 94, SYS_openat = 56, SYS_renameat2 = 276, SYS_fchmod = 52, SYS_unlinkat = 35, SYS_execve = 221, SYS_getcwd = 17 };
static long sys(long n, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
__asm__(".globl _start\n_start: mov x29,#0\n mov x0,sp\n bl start\n brk #0\n");
#else
#error "no system calls for this machine"
#endif

enum { AT_FDCWD = -100 };
static int run(int argc, char **argv);
__attribute__((used, noreturn)) void start(long *stack) {
  sys(SYS_exit, run((int)stack[0], (char **)(stack + 1)), 0, 0, 0, 0, 0);
  __builtin_unreachable();
}

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  for (size_t i = 0; i < n; i++) ((char *)to)[i] = ((const char *)from)[i];
  return to;
}
void *memset(void *to, int byte, size_t n) {
  for (size_t i = 0; i < n; i++) ((char *)to)[i] = (char)byte;
  return to;
}
int memcmp(const void *a, const void *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (((const unsigned char *)a)[i] != ((const unsigned char *)b)[i]) return ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];
  return 0;
}
size_t strlen(const char *s) {
  size_t n = 0;
  while (s[n]) n++;
  return n;
}
static int same(const char *a, const char *b) { return strlen(a) == strlen(b) && !memcmp(a, b, strlen(a)); }
static int starts(const char *s, const char *prefix) { return strlen(s) >= strlen(prefix) && !memcmp(s, prefix, strlen(prefix)); }

/* Zeroed memory; never freed: the programs are short. NULL if there is none. */
static void *take(size_t n) {
  long p = sys(SYS_mmap, 0, (long)(n ? n : 1), 3, 0x22, -1, 0);
  return p < 0 && p > -4096 ? NULL : (void *)p;
}

struct bytes { uint8_t *at; size_t len; };

/* The whole file, privately writable. at is NULL if it cannot be read. */
static struct bytes read_file(const char *path) {
  struct bytes none = { NULL, 0 }, b;
  long fd = sys(SYS_openat, AT_FDCWD, (long)path, 0, 0, 0, 0);
  if (fd < 0) return none;
  long len = sys(SYS_lseek, fd, 0, 2, 0, 0, 0);
  sys(SYS_lseek, fd, 0, 0, 0, 0, 0);
  b.at = len < 0 ? NULL : take((size_t)len);
  b.len = 0;
  while (b.at && (long)b.len < len) {
    long n = sys(SYS_read, fd, (long)(b.at + b.len), len - (long)b.len, 0, 0, 0);
    if (n <= 0) { b.at = NULL; break; }
    b.len += (size_t)n;
  }
  sys(SYS_close, fd, 0, 0, 0, 0, 0);
  return b.at ? b : none;
}

static int write_all(long fd, const void *at, size_t len) {
  for (size_t done = 0; done < len;) {
    long n = sys(SYS_write, fd, (long)((const char *)at + done), (long)(len - done), 0, 0, 0);
    if (n <= 0) return 0;
    done += (size_t)n;
  }
  return 1;
}

/* Output is collected and written at once. */
static char out_buffer[1 << 16];
static size_t out_len;
static int out_failed;
static void flush(void) {
  if (!write_all(1, out_buffer, out_len)) out_failed = 1;
  out_len = 0;
}
static void put_n(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (out_len == sizeof out_buffer) flush();
    out_buffer[out_len++] = s[i];
  }
}
static void put(const char *s) { put_n(s, strlen(s)); }
static void put_hex(uint64_t v, int digits) {
  for (int i = digits - 1; i >= 0; i--) put_n(&"0123456789abcdef"[(v >> (4 * i)) & 15], 1);
}
static void complain(const char *program, const char *path, const char *what) {
  flush();
  const char *parts[] = { program, ": ", path, ": ", what, "\n" };
  for (int i = 0; i < 6; i++) write_all(2, parts[i], strlen(parts[i]));
}
#endif
