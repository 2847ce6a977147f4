#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
static atomic_int count;
static _Thread_local int mine;
static void *work(void *unused) {
  (void)unused;
  for (mine = 0; mine < 1000; mine++) atomic_fetch_add(&count, 1);
  return NULL;
}
int main(void) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++) if (pthread_create(&t[i], NULL, work, NULL)) return 1;
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  printf("threads %d\n", count);
  return 0;
}
