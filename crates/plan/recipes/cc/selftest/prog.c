#include <math.h>
#include <stdio.h>
#include "prog.h"
int main(int argc, char **argv) {
  (void)argv;
  printf("prog %g ok\n", pow(argc + 1.0, EXPONENT));
  return 0;
}
