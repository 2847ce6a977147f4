/* functions whose symbol version moved over time: 2.33 stat, 2.34 pthread_create and dlopen, 2.29 pow, 2.38 strtol, 2.36 arc4random */
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
static void *work(void *p) { return p; }
int main(int argc, char **argv) {
  struct stat st;
  struct timespec ts;
  pthread_t t;
  stat(argv[0], &st);
  pthread_create(&t, NULL, work, NULL);
  pthread_join(t, NULL);
  clock_gettime(CLOCK_REALTIME, &ts);
  void *self = dlopen(NULL, RTLD_NOW);
  printf("%d %g %ld %d\n", self != NULL, pow(argc, 2.5), strtol("12", NULL, 10), fcntl(0, F_GETFD));
  char copy[8];
  memcpy(copy, argv[0], 1);
  return (int)exp(log(copy[0]));
}
