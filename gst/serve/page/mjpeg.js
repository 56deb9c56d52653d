// SPDX-License-Identifier: BSD-3-Clause
// Reads multipart/x-mixed-replace: each part's headers and picture, as it comes.
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const headEnd = encoder.encode("\r\n\r\n");

function find(bytes, wanted, from = 0) {
  for (let at = bytes.indexOf(wanted[0], from); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

function joined(one, other) {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function headersOf(text) {
  const headers = new Map();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

// Yields {headers, blob} until the stream ends or the signal aborts it.
export async function* parts(url, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  const reader = answer.body.getReader();
  let bytes = new Uint8Array();
  for (;;) {
    const end = find(bytes, headEnd);
    const headers = end < 0 ? null : headersOf(decoder.decode(bytes.subarray(0, end)));
    if (headers && !headers.has("content-length")) {
      bytes = bytes.slice(end + headEnd.length);
      continue;
    }
    const start = end + headEnd.length;
    const size = headers ? Number(headers.get("content-length")) : 0;
    if (headers && bytes.length >= start + size) {
      yield { headers, blob: new Blob([bytes.subarray(start, start + size)], { type: "image/jpeg" }) };
      bytes = bytes.slice(start + size);
      continue;
    }
    const { done, value } = await reader.read();
    if (done) return;
    bytes = joined(bytes, value);
  }
}
