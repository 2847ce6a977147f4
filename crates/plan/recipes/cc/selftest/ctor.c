#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void before(void) { printf("ctor "); }
__attribute__((destructor)) static void after(void) { printf("dtor\n"); }
int main(void) { printf("main "); return 0; }
