import { fromHex } from './values.ts';

// Captured between two network namespaces of Linux 6.18: 2001:db8::1 (02:00:00:00:00:01) and 2001:db8::2 (02:00:00:00:00:02).
const FROM_1 = '20010db8000000000000000000000001';
const FROM_2 = '20010db8000000000000000000000002';
const ONE_TO_2 = FROM_1 + FROM_2;
const TWO_TO_1 = FROM_2 + FROM_1;

export type KernelPacket =
  | 'duplicateAddressDetection'
  | 'listenerReport'
  | 'solicitation'
  | 'advertisement'
  | 'udp'
  | 'portUnreachable'
  | 'lastFragment'
  | 'echoRequest'
  | 'portUnreachableBehindOptions';

/** Whole IPv6 packets, as the kernel sent them. */
export const kernelPackets: Readonly<Record<KernelPacket, Uint8Array>> = {
  /** Of a new address, with a nonce (RFC 7527). */
  duplicateAddressDetection: fromHex(
    `6000000000203aff 00000000000000000000000000000000 ff0200000000000000000001ff000002
     8700a7af00000000fe80000000000000000000fffe000002 0e0150ed1a655c18`,
  ),
  /** Multicast listener report behind hop-by-hop options. */
  listenerReport: fromHex(
    `6000000000240001 fe80000000000000000000fffe000002 ff020000000000000000000000000016
     3a00050200000100 8f0072050000000104000000 ff0200000000000000000001ff000002`,
  ),
  solicitation: fromHex(
    `6000000000203aff ${FROM_1} ff0200000000000000000001ff000002
     87001c2700000000 ${FROM_2} 0101020000000001`,
  ),
  advertisement: fromHex(`6000000000203aff ${TWO_TO_1} 88008a7160000000 ${FROM_2} 0201020000000002`),
  udp: fromHex(`600bc9b7000a1140 ${ONE_TO_2} aefc0009000a8cf66869`),
  /** About `udp`. */
  portUnreachable: fromHex(
    `60033fa7003a3a40 ${TWO_TO_1} 0104682000000000 600bc9b7000a1140 ${ONE_TO_2} aefc0009000a8cf66869`,
  ),
  /** Of a datagram of 1508 bytes. */
  lastFragment: fromHex(
    `600bc9b700442c40 ${ONE_TO_2} 110005a814f557e4
     bebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdd
     dedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9`,
  ),
  echoRequest: fromHex(`60088749000c3a40 ${ONE_TO_2} 8000566e000100026563686f`),
  /** About a datagram with destination options. */
  portUnreachableBehindOptions: fromHex(
    `60033fa700433a40 ${TWO_TO_1} 0104814000000000
     600f737e00133c40 ${ONE_TO_2} 1100010400000000 86380009000b45ae647374`,
  ),
};
