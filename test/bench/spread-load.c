// Owns a load of RTP that is spread evenly over time, whatever the number of streams: what the relay finds waiting depends
// on the total rate alone.
// usage: spread-load SECONDS PACKETS_A_SECOND_IN_ALL PAYLOAD < PAIRS
// each line of PAIRS: LOCALPORT RELAYPORT, as for ../shared/bench/rtpgen.c
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define MOST 8192
#define BATCH 64

static int sockets[MOST];
static long received;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void drain(int epoll, int wait) {
  struct epoll_event ready[256];
  char buffer[2048];
  const int count = epoll_wait(epoll, ready, 256, wait);
  for (int i = 0; i < count; i++)
    while (recv(ready[i].data.fd, buffer, sizeof buffer, 0) > 0) received++;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const double seconds = atof(argv[1]), rate = atof(argv[2]);
  const int payload = atoi(argv[3]);
  const int epoll = epoll_create1(0);
  int count = 0, local, relay;
  while (count < MOST && scanf("%d %d", &local, &relay) == 2) {
    const int each = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 1 << 20;
    setsockopt(each, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(local), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(each, (void *)&at, sizeof at)) return perror("bind"), 1;
    at.sin_port = htons(relay);
    if (connect(each, (void *)&at, sizeof at)) return perror("connect"), 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = each};
    epoll_ctl(epoll, EPOLL_CTL_ADD, each, &event);
    sockets[count++] = each;
  }
  unsigned char packet[12 + 1400] = {0x80};
  memset(packet + 12, 0xd5, sizeof packet - 12);
  long sent = 0;
  // A sender that began anew under one key would be taken for a replay.
  const unsigned sources = (unsigned)time(NULL) * MOST;
  const double began = now();
  for (long at = 0; now() - began < seconds; drain(epoll, 1)) {
    for (const long due = count ? (long)((now() - began) * rate) : 0; at < due; at++) {
      const unsigned stream = at % count, tick = at / count;
      const unsigned short sequence = htons(tick);
      const unsigned timestamp = htonl(tick * 160), ssrc = htonl(sources + stream);
      memcpy(packet + 2, &sequence, 2);
      memcpy(packet + 4, &timestamp, 4);
      memcpy(packet + 8, &ssrc, 4);
      sent += send(sockets[stream], packet, 12 + payload, 0) > 0;
    }
  }
  for (const double end = now(); now() - end < 0.5;) drain(epoll, 10);
  printf("sent=%ld received=%ld\n", sent, received);
  return 0;
}
