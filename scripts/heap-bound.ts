/** Largest heap of a program, in MiB, as in the Dockerfile: without a bound, Node lets it grow with the machine before it collects. */
export const heapBound = '--max-old-space-size=512';
