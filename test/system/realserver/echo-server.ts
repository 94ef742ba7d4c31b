// Echoes UDP and accepts TCP at an address and port; says "ready".
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const [address, port] = [process.argv[2], Number(process.argv[3])];
const udp = createSocket('udp4');
udp.on('message', (message, from) => udp.send(message, from.port, from.address));
udp.bind(port, address, () => {
  createServer((connection) => connection.end()).listen(port, address, () => console.info('ready'));
});
