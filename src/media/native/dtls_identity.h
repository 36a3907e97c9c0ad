// Owns the certificate that the relay shows in DTLS handshakes, and the OpenSSL context that goes with it (RFC 5763 5).
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace media {

/// A self-signed ECDSA certificate over P-256. A handshake keeps the identity that its SDP told; new calls may have another.
class DtlsIdentity {
 public:
  /// nullptr when OpenSSL refuses.
  static std::shared_ptr<const DtlsIdentity> make();
  ~DtlsIdentity();
  DtlsIdentity(const DtlsIdentity&) = delete;
  DtlsIdentity& operator=(const DtlsIdentity&) = delete;

  SSL_CTX* context() const { return context_; }
  /// The digest of the certificate; empty for a hash that is not known.
  std::vector<uint8_t> fingerprint(std::string_view hash) const;

 private:
  DtlsIdentity() = default;

  SSL_CTX* context_ = nullptr;  // Owned.
  X509* certificate_ = nullptr;  // Owned.
};

/// RFC 8122 5: "sha-1", "sha-224", "sha-256", "sha-384", "sha-512"; nullptr for others.
const EVP_MD* fingerprint_hash(std::string_view name);

}  // namespace media
