/* What the library says of itself, a file, a server of our own in a thread that answers compressed, a server that speaks
   no TLS, and a port where nobody listens. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

static char got[1000];
static size_t got_length;

static size_t take(char *bytes, size_t one, size_t count, void *ignored) {
  (void)ignored, (void)one;
  if (got_length + count >= sizeof got) return 0;
  memcpy(got + got_length, bytes, count);
  got[got_length += count] = 0;
  return count;
}

/* Opens `url`, prints what came of it. */
static void get(const char *what, const char *url) {
  long status = 0;
  CURL *curl = curl_easy_init();
  got_length = 0, got[0] = 0;
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  CURLcode code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  printf("%s: %d, status %ld, `%s`\n", what, (int)code, status, got);
  curl_easy_cleanup(curl);
}

/* Answers two connections, whatever they say: the second one hears no TLS. */
static void *serve(void *listener) {
  static unsigned char body[200];
  z_stream zip = {0};
  deflateInit2(&zip, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  zip.next_in = (unsigned char *)"two humps", zip.avail_in = 9;
  zip.next_out = body, zip.avail_out = sizeof body;
  deflate(&zip, Z_FINISH);
  for (int i = 0; i < 2; i++) {
    char request[2000], head[200];
    int peer = accept(*(int *)listener, NULL, NULL);
    if (read(peer, request, sizeof request) < 0) return NULL;
    int length = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n",
                          (unsigned long)zip.total_out);
    if (write(peer, head, (size_t)length) < 0 || write(peer, body, zip.total_out) < 0) return NULL;
    close(peer);
  }
  return NULL;
}

static int has(const char *const *protocols, const char *wanted) {
  while (*protocols && strcmp(*protocols, wanted)) protocols++;
  return *protocols != NULL;
}

int main(void) {
  curl_global_init(CURL_GLOBAL_ALL);
  curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  printf("%s, %s, zlib %s, https %d, ldap %d\n", info->version, info->ssl_version, info->libz_version,
         has(info->protocols, "https"), has(info->protocols, "ldap"));

  char path[] = "/tmp/clib-curl-XXXXXX", url[100];
  int file = mkstemp(path);
  if (file < 0 || write(file, "camel", 5) != 5) return 1;
  snprintf(url, sizeof url, "file://%s", path);
  get("file", url);
  unlink(path);

  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof here;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&here, size) || listen(listener, 2)) return 2;
  getsockname(listener, (struct sockaddr *)&here, &size);
  pthread_t server;
  pthread_create(&server, NULL, serve, &listener);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(here.sin_port));
  get("http", url);
  snprintf(url, sizeof url, "https://127.0.0.1:%d/", ntohs(here.sin_port));
  get("https", url);
  pthread_join(server, NULL);
  close(listener);
  get("nobody", url);
  return 0;
}
