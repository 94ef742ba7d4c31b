#!/usr/bin/env -S node --max-semi-space-size=2 --optimize-for-size
// The program `culvert`: runs the command line of this process.
import { runProgram } from './cli-process.ts';
import { main } from './main.ts';

void runProgram(main);
