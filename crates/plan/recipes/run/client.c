/* Has a program run outside of the root, by whoever listens at the socket SOCKET: a runner that is too large for a root,
   or on another machine. What is typed and printed goes through this process's own files, which are sent along.

   client PROGRAM ARGUMENT...

   Sent: the length of what follows in 4 bytes, of the machine's own order; the number of arguments and that of variables
   in 4 bytes each; then the working directory, the arguments and the variables, each ended by a zero byte. Answered: one
   byte, the exit code. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SOCKET "/tmp/.bactrian-runner"
/* What shells answer if a program cannot be started. */
#define NOT_STARTED 126

extern char **environ;

static int fail(const char *what)
{
  fprintf(stderr, "bactrian: cannot reach the runner: %s: %s\n", what, strerror(errno));
  return NOT_STARTED;
}

int main(int argc, char **argv)
{
  char *text = NULL;
  size_t length = 0;
  uint32_t head[3] = { 0, (uint32_t)argc - 1, 0 };
  FILE *message = open_memstream(&text, &length);
  char *directory = get_current_dir_name();
  if (!message || !directory) return fail("working directory");
  while (environ[head[2]]) head[2]++;
  fwrite(head, sizeof head, 1, message);
  fwrite(directory, strlen(directory) + 1, 1, message);
  for (char **word = argv + 1; *word; word++) fwrite(*word, strlen(*word) + 1, 1, message);
  for (char **word = environ; *word; word++) fwrite(*word, strlen(*word) + 1, 1, message);
  if (fclose(message) != 0) return fail("message");
  head[0] = length - sizeof head[0];
  memcpy(text, head, sizeof head);

  struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET };
  int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0) return fail(SOCKET);
  int files[3] = { 0, 1, 2 };
  union { struct cmsghdr align; char room[CMSG_SPACE(sizeof files)]; } control = { 0 };
  struct iovec first = { text, sizeof head[0] };
  struct msghdr sent = { .msg_iov = &first, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
  struct cmsghdr *rights = CMSG_FIRSTHDR(&sent);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof files);
  memcpy(CMSG_DATA(rights), files, sizeof files);
  if (sendmsg(connection, &sent, MSG_NOSIGNAL) != (ssize_t)sizeof head[0]) return fail("sending");
  for (size_t done = sizeof head[0]; done < length;) {
    ssize_t some = send(connection, text + done, length - done, MSG_NOSIGNAL);
    if (some < 0 && errno == EINTR) continue;
    if (some < 0) return fail("sending");
    done += some;
  }
  unsigned char code;
  ssize_t got;
  while ((got = read(connection, &code, 1)) < 0 && errno == EINTR) {}
  return got == 1 ? code : fail("no answer");
}
