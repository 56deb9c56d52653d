// SPDX-License-Identifier: BSD-3-Clause
// Plays a stream over WHEP (draft-ietf-wish-whep) in a video element.

// What the header Link says of STUN and TURN servers.
function iceServers(headers) {
  const servers = [];
  for (const [, urls, rest] of (headers.get("link") ?? "").matchAll(/<([^>]*)>([^<]*)/g)) {
    if (!rest.includes('rel="ice-server"')) continue;
    const [, username] = rest.match(/username="([^"]*)"/) ?? [];
    const [, credential] = rest.match(/credential="([^"]*)"/) ?? [];
    servers.push(username ? { urls, username, credential } : { urls });
  }
  return servers;
}

// A fragment (RFC 8840) that tells of more candidates.
function fragment(offer, candidates) {
  const lines = offer.split("\r\n");
  const of = start => lines.find(line => line.startsWith(start));
  const told = candidates.map(candidate => (candidate ? `a=${candidate.candidate}` : "a=end-of-candidates"));
  return [of("a=ice-ufrag:"), of("a=ice-pwd:"), of("m=video"), of("a=mid:"), ...told, ""].join("\r\n");
}

// Until the signal aborts it, or the connection is lost: then it throws. `connected` gets the connection.
export async function play(url, video, signal, connected) {
  const options = await fetch(url, { method: "OPTIONS", signal });
  const peer = new RTCPeerConnection({ iceServers: iceServers(options.headers) });
  const ended = new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("stopped")));
    peer.addEventListener("connectionstatechange", () => {
      if (["failed", "disconnected", "closed"].includes(peer.connectionState)) reject(new Error("the connection is lost"));
    });
  });
  ended.catch(() => {});
  const candidates = [];
  let session = null;
  let etag = null;
  const tell = async () => {
    if (session === null || candidates.length === 0) return;
    const body = fragment(peer.localDescription.sdp, candidates.splice(0));
    await fetch(session, { method: "PATCH", body, headers: { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": etag } });
  };
  peer.addEventListener("icecandidate", event => { candidates.push(event.candidate); tell().catch(() => {}); });
  try {
    const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    await peer.setLocalDescription();
    const answer = await fetch(url, { method: "POST", signal, body: peer.localDescription.sdp, headers: { "Content-Type": "application/sdp" } });
    if (answer.status !== 201) throw new Error((await answer.text()).trim());
    session = new URL(answer.headers.get("location"), location.href);
    etag = answer.headers.get("etag");
    video.srcObject = new MediaStream([receiver.track]);
    connected(peer);
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    tell().catch(() => {});
    await ended;
  } finally {
    peer.close();
    video.srcObject = null;
    // Also while the page goes away.
    if (session) fetch(session, { method: "DELETE", keepalive: true }).catch(() => {});
  }
}
