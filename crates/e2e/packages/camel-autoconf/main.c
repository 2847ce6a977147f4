#include <stdio.h>

#include "config.h"
#include "desert.h"

int main(void) {
  printf("build %s, host %s, cross %s\n", BUILD, HOST, crossed());
  return 0;
}
