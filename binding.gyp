# Owns the build of the two native addons. Run by src/media/native/build.mjs, which passes Node 24's headers as --nodedir.
{
  "target_defaults": {
    "cflags!": ["-O2"],
    "cflags": ["-O3", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-fvisibility=hidden"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
    "cflags_cc": ["-std=c++20", "-fno-exceptions", "-fno-rtti"],
    "defines": ["NAPI_VERSION=9"]
  },
  "targets": [
    {
      "target_name": "media_relay",
      "sources": [
        "src/media/native/addon.cc",
        "src/media/native/addon_audio.cc",
        "src/media/native/addon_connection.cc",
        "src/media/native/addon_numbers.cc",
        "src/media/native/connection.cc",
        "src/media/native/crypto.cc",
        "src/media/native/dtls_identity.cc",
        "src/media/native/dtls_transport.cc",
        "src/media/native/dtmf_tone.cc",
        "src/media/native/due_clock.cc",
        "src/media/native/endpoint.cc",
        "src/media/native/endpoint_latch.cc",
        "src/media/native/g711.cc",
        "src/media/native/ice_agent.cc",
        "src/media/native/ice_checklist.cc",
        "src/media/native/key_derivation.cc",
        "src/media/native/media_loop.cc",
        "src/media/native/media_policy.cc",
        "src/media/native/packet_stream.cc",
        "src/media/native/packet_stream_connection.cc",
        "src/media/native/pcap_recording.cc",
        "src/media/native/playout.cc",
        "src/media/native/port_pool.cc",
        "src/media/native/port_steering.cc",
        "src/media/native/reception.cc",
        "src/media/native/recorder.cc",
        "src/media/native/recording.cc",
        "src/media/native/relay.cc",
        "src/media/native/report_writer.cc",
        "src/media/native/reports.cc",
        "src/media/native/session_cipher.cc",
        "src/media/native/shared_socket.cc",
        "src/media/native/srtp_context.cc",
        "src/media/native/stream_services.cc",
        "src/media/native/stun.cc",
        "src/media/native/telephone_event.cc",
        "src/media/native/transcoder.cc",
        "src/media/native/wav_recording.cc"
      ]
    },
    {
      "target_name": "sip_sockets",
      "sources": [
        "<!@(node -p \"fs.readdirSync('src/transport/native').filter(f => f.endsWith('.cc')).map(f => 'src/transport/native/' + f).join(' ')\" 2>/dev/null || true)"
      ]
    }
  ]
}
