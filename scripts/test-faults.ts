// The last part of `npm test`: the tests of promised times, alone on the machine. A file that fails runs once more.
import { jestWithRerun } from './jest.ts';

process.exit(await jestWithRerun(['--selectProjects', 'faults']));
