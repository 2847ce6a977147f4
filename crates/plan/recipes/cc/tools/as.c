/* `as`: the way compilers call it most, `as -o OBJECT SOURCE`, straight to clang's assembler proper; anything else to as-any.

   ocamlopt assembles every module, so half a closure's processes are this one. The shell of as-any and clang's driver take
   2 ms of 9. What the driver would have said is in as-args.h, which tools.sh asks it for. */
#include "rt.h"

static const char *const driver[] = {
#include "as-args.h"
};
enum { DRIVER = sizeof driver / sizeof *driver };

static void execute(const char *program, const char *const *argv, char **envp) {
  sys(SYS_execve, (long)program, (long)argv, (long)envp, 0, 0, 0);
  complain("as", program, "cannot be started");
}

static const char *base(const char *path) {
  const char *at = path;
  for (; *path; path++)
    if (*path == '/') at = path + 1;
  return at;
}

static int run(int argc, char **argv) {
  char **envp = argv + argc + 1;
  static char directory[8192] = "-fdebug-compilation-dir=";
  size_t named = strlen(directory);
  long length = sys(SYS_getcwd, (long)(directory + named), (long)(sizeof directory - named), 0, 0, 0, 0);
  int usual = argc == 4 && same(argv[1], "-o") && argv[3][0] != '-' && length > 0;
  if (usual) {
    const char *line[DRIVER + 9];
    int n = 0;
    line[n++] = ZIG;
    line[n++] = "clang";
    for (int i = 0; i < DRIVER; i++) line[n++] = driver[i];
    line[n++] = directory;
    line[n++] = "-main-file-name";
    line[n++] = base(argv[3]);
    line[n++] = "-o";
    line[n++] = argv[2];
    line[n++] = argv[3];
    line[n] = NULL;
    execute(ZIG, line, envp);
  } else {
    argv[0] = (char *)ANY;
    execute(ANY, (const char *const *)argv, envp);
  }
  return 127;
}
