// Sends one datagram of so many bytes to an address and port, and prints the number of bytes that come back; 0 when none do.
import { createSocket } from 'node:dgram';

const [address = '', port, bytes] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
const finish = (received: number): void => {
  process.stdout.write(`${received}\n`, () => process.exit(0));
};
socket.on('message', (message) => finish(message.length));
socket.send(Buffer.alloc(bytes, 'culvert '), port, address);
setTimeout(finish, 5000, 0);
