import subprocess
import sys


def test_imports_torchvision_in_a_fresh_interpreter_and_only_then_loads_torch() -> None:
    program = """
import sys
from imagery.core import torchvision_ready
assert "torch" not in sys.modules
first = torchvision_ready.import_torchvision()
assert torchvision_ready.import_torchvision() is first
assert first.models.get_model("squeezenet1_1", weights=None).num_classes == 1000
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
