// The text of `culvert ipvsadm --help`.

export const USAGE = `Usage: culvert ipvsadm [--socket PATH|--instance NAME] COMMAND, or by a link of that name:
  ipvsadm -A|E SERVICE [-s SCHEDULER] [-b FLAGS] [-p [SECONDS]] [-M MASK] [-o]
  ipvsadm -D SERVICE
  ipvsadm -a|e SERVICE -r REAL -i [-w WEIGHT] [-x UPPER] [-y LOWER] [TUNNEL]
  ipvsadm -d SERVICE -r REAL
  ipvsadm -L|l [SERVICE] [-n] [--stats|--rate [--exact]|--thresholds|--persistent-conn|--tun-info] [--nosort]
  ipvsadm -L -c [-n]
  ipvsadm -L --timeout
  ipvsadm -S [-n]
  ipvsadm -R
  ipvsadm -Z [SERVICE]
  ipvsadm -C
  ipvsadm --set TCP TCPFIN UDP

SERVICE is -t, -u or --sctp-service with HOST[:PORT], or [IPV6]:PORT.
TUNNEL is --tun-type ipip|gre|gue, --tun-port PORT (gue), --tun-nocsum, --tun-csum or --tun-remcsum.
Schedulers: rr, wrr, lc, wlc (the default), lblc, lblcr, dh, sh, sed, nq, fo, ovf, mh, twos.

This is culvert. It accepts the commands of ipvsadm 1.31 for a running director: the one that --socket or
--instance names, else the one that $CULVERT_SOCKET names, else the only one.
Not supported: -g, -m, -f, --pe, --start-daemon, --stop-daemon.

Examples:
  $ culvert ipvsadm -A -t 192.0.2.10:80 -s wlc
  $ culvert ipvsadm -a -t 192.0.2.10:80 -r 10.0.3.2 -i -w 5
  $ culvert ipvsadm -Ln --stats
`;
