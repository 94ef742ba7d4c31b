// Explains a packet by a configuration file, without a running director.
import { explanationToWire } from '../../api/server/routes/to-wire.ts';
import { type LoadOptions, loadConfig } from '../../config/load/load-config.ts';
import type { LoadedConfig } from '../../config/load/loaded-config.ts';
import type { WireExplanation } from '../../contract/api/explanation.ts';
import type { CulvertConfig } from '../../contract/config/config.ts';
import { ASSUMED_MTU_BYTES, assumeNetwork } from '../../dataplane/assumed-network.ts';
import { chooseHashKey } from '../../director/state/hash-key.ts';
import { startedWorld } from '../../director/step/step.ts';
import { explain } from '../../forwarding/explain.ts';
import { ForwardingImage } from '../../forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../forwarding/image/tables/memory.ts';
import type { ForwarderState } from '../../forwarding/state.ts';

const FLOWS = 4096;

/** Explains what a director that has just read this file would do with the packet: every real is up, no flow is known. */
export async function explainOffline(
  configPath: string,
  packet: Uint8Array,
  options: LoadOptions = {},
): Promise<WireExplanation> {
  const loaded = await loadConfig(configPath, options);
  const explanation = explain(packet, forwarderOf(loaded), 0);
  return explanationToWire({
    ...explanation,
    sentences: [...assumptions(loaded.config), ...explanation.sentences],
  });
}

function forwarderOf(loaded: LoadedConfig): ForwarderState {
  const { config } = loaded;
  const hashKey = chooseHashKey(config.director.hashSeed, new Uint8Array(16));
  const { table } = startedWorld(loaded, hashKey);
  const image = new ForwardingImage(
    allocateImageMemory({ slots: config.director.capacity.slots, flows: FLOWS }),
  );
  image.apply(table, 0);
  return assumeNetwork(image);
}

function assumptions({ director }: CulvertConfig): string[] {
  const assumed = `Assumed: every real is up, no flow is known, every MTU is ${ASSUMED_MTU_BYTES}. The outer source address is not known.`;
  const unseeded =
    'The file has no director.hashSeed, so a running director may choose another real of an mh service.';
  return director.hashSeed === undefined ? [assumed, unseeded] : [assumed];
}
