/* Makes programs of another machine start like any other: loaded before the C library's own functions, it looks at
   what is about to be executed, and where that is no program of this machine executes the runner with it instead.

   It does what a kernel does with binfmt_misc, without the machine's administrator, and before the kernel does it, so
   that what is registered on the machine changes nothing. It reaches whatever a dynamic program of the root starts: dune,
   make, shells. A runner is the program RUN/machine-class-order, by the numbers in an ELF file's header, or RUN/pe. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

/* Longer lines are started as they are: what is said here must fit on the stack of a child of vfork. */
#define MOST 4096

extern char **environ;

#define RUN "/bactrian/run/"
#define ROOM (sizeof RUN + 32)

static void number(char **end, unsigned value)
{
  if (value > 9) number(end, value / 10);
  *(*end)++ = '0' + value % 10;
}

/* Whether a program has a runner; its path is put into `runner`. Children of vfork share memory with their parent, so
   there are only system calls here. */
static int has_runner(const char *path, char runner[ROOM])
{
  unsigned char head[20];
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t got = read(file, head, sizeof head);
  close(file);
  if (got < (ssize_t)sizeof head) return 0;
  memcpy(runner, RUN, sizeof RUN);
  char *end = runner + sizeof RUN - 1;
  if (head[0] == 'M' && head[1] == 'Z') {
    memcpy(end, "pe", 3);
  } else if (memcmp(head, ELFMAG, SELFMAG) == 0) {
    int big = head[EI_DATA] == ELFDATA2MSB;
    number(&end, head[big ? 19 : 18] | head[big ? 18 : 19] << 8);
    *end++ = '-';
    number(&end, head[EI_CLASS]);
    *end++ = '-';
    number(&end, head[EI_DATA]);
    *end = 0;
  } else {
    return 0;
  }
  return access(runner, X_OK) == 0;
}

static int count(char *const argv[])
{
  int number = 0;
  while (argv[number]) number++;
  return number;
}

/* Runner, program, arguments. */
static void redirect(const char *runner, const char *path, char *const argv[], int number, const char **line)
{
  line[0] = runner;
  line[1] = path;
  for (int at = 1; at < number; at++) line[at + 1] = argv[at];
  line[number < 1 ? 2 : number + 1] = NULL;
}

int execve(const char *path, char *const argv[], char *const envp[])
{
  char runner[ROOM];
  int number = count(argv);
  if (number < MOST && has_runner(path, runner)) {
    const char *line[number + 3];
    redirect(runner, path, argv, number, line);
    return syscall(SYS_execve, runner, line, envp);
  }
  return syscall(SYS_execve, path, argv, envp);
}

int execv(const char *path, char *const argv[])
{
  return execve(path, argv, environ);
}

/* Where a shell would find it; the name itself if nowhere. */
static const char *found(const char *name, char room[PATH_MAX])
{
  const char *path = getenv("PATH");
  if (strchr(name, '/') || !path) return name;
  while (*path) {
    int directory = strcspn(path, ":");
    int length = snprintf(room, PATH_MAX, "%.*s%s%s", directory, path, directory ? "/" : "", name);
    if (length < PATH_MAX && access(room, X_OK) == 0) return room;
    path += directory + (path[directory] == ':');
  }
  return name;
}

int execvpe(const char *name, char *const argv[], char *const envp[])
{
  char room[PATH_MAX];
  const char *path = found(name, room);
  int result = execve(path, argv, envp);
  int number = count(argv);
  if (result < 0 && errno == ENOEXEC && number < MOST) {
    /* A script without an interpreter, as execvp(3) says. */
    const char *line[number + 3];
    redirect("/bin/sh", path, argv, number, line);
    return syscall(SYS_execve, line[0], line, envp);
  }
  return result;
}

int execvp(const char *name, char *const argv[])
{
  return execvpe(name, argv, environ);
}

/* The list forms of glibc call its own functions, not these. */
#define LISTED(first, ap, argv)                        \
  va_list ap;                                          \
  int number = 1;                                      \
  va_start(ap, first);                                 \
  while (va_arg(ap, char *)) number++;                 \
  va_end(ap);                                          \
  char *argv[number + 1];                              \
  va_start(ap, first);                                 \
  argv[0] = (char *)first;                             \
  for (int at = 1; at <= number; at++) argv[at] = va_arg(ap, char *);

int execl(const char *path, const char *first, ...)
{
  LISTED(first, ap, argv)
  va_end(ap);
  return execve(path, argv, environ);
}

int execlp(const char *name, const char *first, ...)
{
  LISTED(first, ap, argv)
  va_end(ap);
  return execvpe(name, argv, environ);
}

int execle(const char *path, const char *first, ...)
{
  LISTED(first, ap, argv)
  char *const *envp = va_arg(ap, char *const *);
  va_end(ap);
  return execve(path, argv, envp);
}

typedef int spawner(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
                    char *const[]);

int posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
  /* The one that is found next, after this one: glibc's. */
  spawner *real = (spawner *)dlsym(RTLD_NEXT, "posix_spawn");
  char runner[ROOM];
  int number = count(argv);
  if (number >= MOST || !has_runner(path, runner)) return real(child, path, actions, attributes, argv, envp);
  const char *line[number + 3];
  redirect(runner, path, argv, number, line);
  return real(child, runner, actions, attributes, (char *const *)line, envp);
}

int posix_spawnp(pid_t *child, const char *name, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
  char room[PATH_MAX], runner[ROOM];
  const char *path = found(name, room);
  if (has_runner(path, runner)) return posix_spawn(child, path, actions, attributes, argv, envp);
  spawner *real = (spawner *)dlsym(RTLD_NEXT, "posix_spawnp");
  return real(child, name, actions, attributes, argv, envp);
}
