// Echoes UDP and accepts TCP at addresses of either family and a port; says "ready".
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const [addresses = '', port] = [process.argv[2], Number(process.argv[3])];
for (const address of addresses.split(',')) {
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (message, from) => udp.send(message, from.port, from.address));
  const tcp = createServer((connection) => connection.end());
  const listening = [once(udp, 'listening'), once(tcp, 'listening')];
  udp.bind(port, address);
  tcp.listen(port, address);
  await Promise.all(listening);
}
console.info('ready');
