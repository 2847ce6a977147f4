/* A loop with a timer that repeats and a pipe that is written to. */
#include <ev.h>
#include <stdio.h>
#include <unistd.h>

static int ticks, ends[2];
static char got;

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events) {
  (void)events;
  if (++ticks == 3) {
    ev_timer_stop(loop, timer);
    if (write(ends[1], "x", 1) != 1) ev_break(loop, EVBREAK_ALL);
  }
}

static void on_read(struct ev_loop *loop, ev_io *io, int events) {
  (void)events;
  if (read(ends[0], &got, 1) == 1) ev_io_stop(loop, io);
}

int main(void) {
  struct ev_loop *loop = ev_default_loop(EVBACKEND_SELECT | EVBACKEND_POLL | EVBACKEND_EPOLL);
  ev_timer timer;
  ev_io io;
  if (!loop || pipe(ends) != 0) return 1;
  ev_timer_init(&timer, on_tick, 0.001, 0.001);
  ev_timer_start(loop, &timer);
  ev_io_init(&io, on_read, ends[0], EV_READ);
  ev_io_start(loop, &io);
  ev_run(loop, 0);
  printf("timer %d, pipe %c\n", ticks, got);
  return 0;
}
