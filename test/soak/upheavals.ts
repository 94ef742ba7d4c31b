import type { LabReal } from '../../src/lab/environment.ts';
import { LAB_VIP } from '../../src/lab/lab-config.ts';
import type { NamespaceLab } from '../../src/lab/namespaces/namespace-lab.ts';
import { REAL_NAMES } from '../../src/lab/namespaces/topology.ts';
import { runInNamespace } from '../../src/linux/namespaces/netns.ts';
import type { Random } from '../fuzz/random.ts';
import type { Fitness } from './fitness.ts';
import { SERVICES } from './services.ts';

/** Something that happens to the lab, and how it is undone. Nothing but what `fitness` says may break a connection. */
export interface Upheaval {
  readonly name: string;
  begin(): Promise<void>;
  end(): Promise<void>;
  /** A real that is configured anew counts from 0. */
  readonly resetsCounters?: boolean;
}

export interface Stage {
  readonly lab: NamespaceLab;
  readonly fitness: Fitness;
  readonly random: Random;
}

const UPHEAVALS = [serverDies, vipLost, cableCut, drain, reweight, remove, reloadAsIs] as const;

/** One at a time, so that two of the three reals serve throughout. @param restarts whether the daemon may be killed */
export function randomUpheaval(stage: Stage, restarts: boolean): Upheaval {
  const real = stage.random.pick(stage.lab.reals);
  const upheavals = restarts ? [...UPHEAVALS, restart] : UPHEAVALS;
  return stage.random.pick(upheavals)(stage, real);
}

function serverDies({ lab, fitness }: Stage, real: LabReal): Upheaval {
  return unfitting(fitness, real, {
    name: `the server of ${real.name} dies`,
    begin: () => lab.stopServer(real),
    end: () => lab.startServer(real),
  });
}

/** What the tunnel carries is taken out, but nobody has its address: only a check through the tunnel notices. */
function vipLost({ lab, fitness }: Stage, real: LabReal): Upheaval {
  const address = (change: string) => async (): Promise<void> => {
    const namespace = lab.topology.namespaceOf(hostOf(real));
    await runInNamespace(namespace, ['ip', 'address', change, `${LAB_VIP}/32`, 'dev', 'lo']);
  };
  return unfitting(fitness, real, {
    name: `${real.name} loses the VIP`,
    begin: address('del'),
    end: address('add'),
  });
}

function cableCut({ lab, fitness }: Stage, real: LabReal): Upheaval {
  const cable = (state: string) => async (): Promise<void> => {
    const router = lab.topology.namespaceOf('router');
    await runInNamespace(router, ['ip', 'link', 'set', real.name, state]);
  };
  return unfitting(fitness, real, {
    name: `the cable of ${real.name} is cut`,
    begin: cable('down'),
    end: cable('up'),
  });
}

function drain({ lab }: Stage, { name, address }: LabReal): Upheaval {
  return {
    name: `${name} is drained`,
    begin: async () => void (await lab.api.drain({ address })),
    end: async () => void (await lab.api.undrain({ address })),
  };
}

function reweight({ lab, random }: Stage, { name, address }: LabReal): Upheaval {
  const weight = random.between(1, 1000);
  return {
    name: `the weight of ${name} is ${weight}`,
    begin: async () => void (await lab.api.weight({ address, weight })),
    end: async () => void (await lab.api.weight({ address, weight: null })),
  };
}

/** The operator takes it out of the file at once: its flows are reset. */
function remove({ lab, fitness }: Stage, real: LabReal): Upheaval {
  const configure = (reals: readonly LabReal[]) => async (): Promise<void> => {
    await lab.writeConfig({ more: SERVICES, reals: reals.map(({ address }) => address) });
    await lab.api.reload();
  };
  return unfitting(fitness, real, {
    name: `${real.name} is removed`,
    resetsCounters: true,
    begin: configure(lab.reals.filter((other) => other !== real)),
    end: configure(lab.reals),
  });
}

/** For a moment nobody takes rare packets, but what is remembered or stateless is forwarded. */
function restart({ lab }: Stage): Upheaval {
  return {
    name: 'the daemon is killed and started anew',
    begin: () => lab.killDirector(),
    end: () => lab.startDirector(),
  };
}

function reloadAsIs({ lab }: Stage): Upheaval {
  const reload = async (): Promise<void> => void (await lab.api.reload());
  return { name: 'the file is read again, unchanged', begin: reload, end: reload };
}

function unfitting(fitness: Fitness, real: LabReal, upheaval: Upheaval): Upheaval {
  let fitAgain: (() => void) | undefined;
  return {
    ...upheaval,
    begin: async () => {
      fitAgain = fitness.begin(real.name);
      await upheaval.begin();
    },
    end: async () => {
      await upheaval.end();
      fitAgain?.();
    },
  };
}

function hostOf({ name }: LabReal): (typeof REAL_NAMES)[number] {
  const host = REAL_NAMES.find((candidate) => candidate === name);
  if (host === undefined) throw new RangeError(`no real of that name: ${name}`);
  return host;
}
