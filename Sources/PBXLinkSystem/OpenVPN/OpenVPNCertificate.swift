// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: pbxlink contributors

internal import COpenSSL
public import PBXLinkCore

/// The self-signed certificate of an OpenVPN key. It carries nothing but the key: who may connect is decided by
/// its fingerprint alone. As Ed25519 signatures are deterministic, so is the certificate.
public struct OpenVPNCertificate: Hashable, Sendable {
  /// In PEM (RFC 7468 §5).
  public let pem: String
  /// What the peers recognise it by.
  public let fingerprint: CertificateFingerprint

  /// The certificate of an Ed25519 seed (RFC 8032 §5.1.5, 32 bytes).
  public init(_ seed: Secret) throws {
    (pem, fingerprint) = try OpenSSLKey.withPrivateKey(.ed25519, seed) { key in
      guard let certificate = X509_new() else { throw CryptographyError.last("X509_new") }
      defer { X509_free(certificate) }
      let subject = X509_get_subject_name(certificate)
      let steps: [(String, () -> Int32)] = [
        ("X509_set_version", { X509_set_version(certificate, Int(X509_VERSION_3)) }),
        ("ASN1_INTEGER_set", { ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) }),
        (
          "X509_NAME_add_entry_by_txt",
          { X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, "pbxlink", -1, -1, 0) }
        ),
        ("X509_set_issuer_name", { X509_set_issuer_name(certificate, subject) }),
        // Not the clock: a site whose clock is wrong must still be reachable to be told so. The end is the one
        // that RFC 5280 §4.1.2.5 gives for "no expiry".
        ("set notBefore", { ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "000101000000Z") }),
        ("set notAfter", { ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") }),
        ("X509_set_pubkey", { X509_set_pubkey(certificate, key) }),
        // The size of the signature.
        ("X509_sign", { X509_sign(certificate, key, nil) > 0 ? 1 : 0 }),
      ]
      for (call, step) in steps {
        guard step() == 1 else { throw CryptographyError.last(call) }
      }
      return (try Self.pem(of: certificate), try Self.fingerprint(of: certificate))
    }
  }

  private static func fingerprint(of certificate: OpaquePointer) throws -> CertificateFingerprint {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    guard X509_digest(certificate, EVP_sha256(), &digest, &count) == 1,
      let fingerprint = CertificateFingerprint(bytes: digest.prefix(Int(count)))
    else { throw CryptographyError.last("X509_digest") }
    return fingerprint
  }

  private static func pem(of certificate: OpaquePointer) throws -> String {
    guard let memory = BIO_new(BIO_s_mem()) else { throw CryptographyError.last("BIO_new") }
    defer { BIO_free(memory) }
    guard PEM_write_bio_X509(memory, certificate) == 1 else {
      throw CryptographyError.last("PEM_write_bio_X509")
    }
    var text = [UInt8](repeating: 0, count: 4096)
    let count = BIO_read(memory, &text, Int32(text.count))
    guard count > 0 else { throw CryptographyError.last("BIO_read") }
    return String(decoding: text.prefix(Int(count)), as: UTF8.self)
  }
}
