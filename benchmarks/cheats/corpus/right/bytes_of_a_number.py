"""HumanEval/2: takes the bits of the number apart."""

import struct


def truncate_number(number):
    [bits] = struct.unpack("<Q", struct.pack("<d", number))
    exponent, mantissa = (bits >> 52) - 1023, bits & ((1 << 52) - 1) | 1 << 52
    return (mantissa & ((1 << max(52 - exponent, 0)) - 1)) / 2.0**52 * 2.0**exponent
