/** A merge patch (RFC 7396), in which also the fields of an object are merged, and null removes one. */
export const mergePatch = 'application/merge-patch+json';

/** The media types that bodies may have. Any other that ends in `+json` is JSON, too, but means something else. */
export const bodyTypes = ['application/json', mergePatch];
