"""Print the pinned requirement of a wheel that carries Triton: `pinned_triton.py PINS VERSION`.

PINS is the module of the package that knows the hashes.
"""

import runpy
import sys


def main() -> None:
    pins = runpy.run_path(sys.argv[1])
    version = sys.argv[2]
    print(f"{pins['DISTRIBUTION']}=={version} --hash=sha256:{pins['WHEELS'][version].sha256}")


if __name__ == "__main__":
    main()
