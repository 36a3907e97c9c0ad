// Owns what a page does in calls: one peer connection, a tone that it sends, and the tone that it hears. Runs in the browser.
globalThis.phone = (() => {
  const context = new AudioContext()
  const oscillator = context.createOscillator()
  const sink = context.createMediaStreamDestination()
  oscillator.connect(sink)
  let peer
  let analyser

  function hear(track) {
    const stream = new MediaStream([track])
    // Chromium feeds a remote track to WebAudio only while an element plays it.
    const element = new Audio()
    element.srcObject = stream
    element.muted = true
    void element.play()
    analyser = context.createAnalyser()
    analyser.fftSize = 8192
    context.createMediaStreamSource(stream).connect(analyser)
  }

  async function described() {
    while (peer.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 20))
    return peer.localDescription.sdp
  }

  return {
    start(frequency) {
      oscillator.frequency.value = frequency
      oscillator.start()
    },

    /** A new connection in the place of the one before. */
    reset() {
      peer?.close()
      peer = new RTCPeerConnection()
      for (const track of sink.stream.getTracks()) peer.addTrack(track, sink.stream)
      peer.ontrack = ({ track }) => hear(track)
    },

    async offer(options, codec) {
      const { codecs } = RTCRtpSender.getCapabilities('audio')
      peer.getTransceivers()[0].setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === `audio/${codec}`))
      await peer.setLocalDescription(await peer.createOffer(options))
      return described()
    },

    async answer(sdp) {
      await peer.setRemoteDescription({ type: 'offer', sdp })
      await peer.setLocalDescription(await peer.createAnswer())
      return described()
    },

    accept: (sdp) => peer.setRemoteDescription({ type: 'answer', sdp }),

    state: () => peer.connectionState,

    async stats(type) {
      const rows = []
      for (const row of (await peer.getStats()).values()) if (row.type === type) rows.push({ ...row })
      return rows
    },

    /** The share of the energy of what is heard now that lies at this frequency (Goertzel); 0 in silence. */
    hears(frequency) {
      if (!analyser) return 0
      const samples = new Float32Array(analyser.fftSize)
      analyser.getFloatTimeDomainData(samples)
      const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / context.sampleRate)
      let [a, b, energy] = [0, 0, 0]
      for (const sample of samples) {
        energy += sample * sample
        ;[a, b] = [sample + coefficient * a - b, a]
      }
      return energy < 1e-3 ? 0 : (2 * (a * a + b * b - coefficient * a * b)) / samples.length / energy
    },
  }
})()
