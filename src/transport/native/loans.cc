// Owns the connections that are lent to this process.
// TypeScript (loans.ts) calls nothing of loans that it closed; this file trusts its arguments.
#include "loans.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <unordered_map>

#include "passage.h"
#include "stream_source.h"
#include "watched_descriptor.h"

namespace sip_sockets {
namespace {

struct Loans;

struct Loan : StreamSource {
  Loans* loans;
  uv_poll_t poll;
  int fd;  // Owned.
  bool closing = false;
};

void close_loan(Loan* loan) {
  loan->closing = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&loan->poll), [](uv_handle_t* handle) { delete static_cast<Loan*>(handle->data); });
  ::close(loan->fd);
}

// Has the taking end of the passage, which is read when a record says so.
struct Loans : WatchedDescriptor {
  RingWriter ring;
  napi_ref arrived, over;                  // Kept.
  std::unordered_map<int32_t, Loan*> all;  // Owned, until their handles are closed.
  char bytes[kStreamRead];

  Loan* find(int32_t flow) const {
    auto found = all.find(flow);
    return found == all.end() ? nullptr : found->second;
  }

  void drop(Loan* loan) {
    all.erase(loan->flow);
    close_loan(loan);
  }

 protected:
  void readable() override {}
  void stop() override {
    WatchedDescriptor::stop();
    for (auto& [number, loan] : all) close_loan(loan);
    all.clear();
  }
};

// One look a turn: the other connections must have theirs.
void loan_readable(uv_poll_t* poll, int status, int) {
  auto* loan = static_cast<Loan*>(poll->data);
  if (loan->closing) return;
  Loans* loans = loan->loans;
  // What is there goes first; it is being read.
  if (loans->ring.is_half_full()) return;
  ssize_t count = 0;
  if (status >= 0) count = recv(loan->fd, loans->bytes, kStreamRead, MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  int code = count < 0 ? errno : 0;
  std::string_view bytes(loans->bytes, static_cast<size_t>(std::max<ssize_t>(count, 0)));
  int32_t since = arrival();
  size_t taken = 0;
  bool is_full = false;
  while (taken < bytes.size() && !is_full) {
    size_t length = plain_message(bytes.substr(taken), loan->limits);
    if (length == 0) break;
    // What finds no room waits in the kernel until the ring is read.
    is_full = !push_message(&loans->ring, *loan, bytes.substr(taken, length), since);
    if (!is_full) taken += length;
  }
  // Off the socket, copied nowhere.
  if (taken > 0) recv(loan->fd, loans->bytes, taken, MSG_TRUNC | MSG_DONTWAIT);
  if (!is_full && (bytes.empty() || taken < bytes.size())) {
    int32_t flow = loan->flow;
    loans->drop(loan);
    loans->call(loans->over, flow, static_cast<int32_t>(code));
  }
  if ((taken > 0 || is_full) && !loans->closing) loans->call(loans->arrived);
}

}  // namespace

napi_value open_loans(napi_env env, napi_callback_info info) {
  napi_value args[6];
  arguments(env, info, args);
  auto* loans = WatchedDescriptor::open<Loans>(env, number(env, args[0]), "signalbox:loans");
  if (!loans) return nullptr;
  loans->keep(args[1]);
  uint8_t* place = memory_of(env, args[1]) + number(env, args[2]);
  loans->ring = ring_at<RingWriter>(place, static_cast<uint32_t>(number(env, args[3])));
  loans->arrived = loans->keep(args[4]);
  loans->over = loans->keep(args[5]);
  return loans->hand_out();
}

napi_value loan_take(napi_env env, napi_callback_info info) {
  napi_value args[7];
  auto* loans = subject<Loans>(env, info, args);
  int32_t flow = number(env, args[1]);
  if (Loan* before = loans->find(flow)) loans->drop(before);
  int fd = take_descriptor(loans->fd, flow);
  if (fd < 0) return to_js(env, static_cast<int32_t>(fd));
  auto* loan = new (std::nothrow) Loan();
  if (!loan || uv_poll_init(loans->loop(), &loan->poll, fd) != 0) {
    delete loan;
    ::close(fd);
    return to_js(env, static_cast<int32_t>(kNoDescriptors));
  }
  loan->loans = loans;
  loan->poll.data = loan;
  loan->fd = fd;
  read_source(env, args + 1, loan);
  loans->all.emplace(flow, loan);
  uv_poll_start(&loan->poll, UV_READABLE, loan_readable);
  return to_js(env, static_cast<int32_t>(0));
}

napi_value loan_write(napi_env env, napi_callback_info info) {
  napi_value args[3];
  auto* loans = subject<Loans>(env, info, args);
  Loan* loan = loans->find(number(env, args[1]));
  if (!loan) return to_js(env, static_cast<int32_t>(0));
  std::string text = text_of(env, args[2]);
  // An error meets the front, which writes what is left.
  ssize_t taken = send(loan->fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return to_js(env, static_cast<int32_t>(std::max<ssize_t>(taken, 0)));
}

napi_value loan_drop(napi_env env, napi_callback_info info) {
  napi_value args[2];
  auto* loans = subject<Loans>(env, info, args);
  if (Loan* loan = loans->find(number(env, args[1]))) loans->drop(loan);
  return nullptr;
}

}  // namespace sip_sockets
