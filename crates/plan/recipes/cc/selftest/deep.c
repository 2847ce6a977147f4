/* 2 MiB of stack in a thread of default size: musl's own default of 128 KiB would not do */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
static int deep(int n) {
  volatile char frame[2048];
  memset((char *)frame, n, sizeof frame);
  return n == 0 ? 0 : deep(n - 1) + (frame[5] & 0);
}
static void *work(void *unused) { (void)unused; deep(1000); return NULL; }
int main(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL)) return 1;
  pthread_join(t, NULL);
  puts("deep");
  return 0;
}
