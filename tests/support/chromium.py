"""A real headless Chromium over the DevTools protocol, as little of it as the tests of the page need."""

import base64
import json
import shutil
import subprocess
import time
from pathlib import Path

import websocket

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WAIT = 30  # seconds for anything it is asked


class Browser:
    """One browser with one page.

    Attributes:
        complaints: what the page logged as a warning or error, policy violations and uncaught errors among it.
    """

    def __init__(self, profile: Path):
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-allow-origins=*"]
        words += ["--remote-debugging-port=0", f"--user-data-dir={profile}", "--disable-dev-shm-usage", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen([PROGRAM, *words], **quiet)
        self.complaints: list[str] = []
        self._number = 0
        self._socket = websocket.create_connection(self._address(profile / "DevToolsActivePort"), timeout=WAIT)
        targets = self._ask("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self._ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def _address(self, file: Path) -> str:
        for _ in range(WAIT * 20):
            if file.exists() and len(lines := file.read_text().split("\n")) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.05)
        raise TimeoutError("Chromium did not start")

    def _ask(self, method: str, session: str | None = None, **parameters) -> dict:
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            self._note(answer)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _note(self, event: dict) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])
        elif event.get("method") == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(parameters["args"]))
        elif event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(parameters["exceptionDetails"]))
        elif event.get("method") == "Network.requestWillBeSent" and not parameters["request"]["url"].startswith(
            ("file:", "data:", "about:")
        ):
            self.complaints.append(f"asked for {parameters['request']['url']}")
        elif event.get("method") == "Page.javascriptDialogOpening":
            self.complaints.append("a dialog opened")

    def ask(self, method: str, **parameters) -> dict:
        return self._ask(method, self._session, **parameters)

    def open(
        self, file: Path, width: int = 1300, height: int = 900, *, dark: bool = False, phone: bool = False
    ) -> None:
        """Load a file and wait until it is there."""
        self.complaints.clear()
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url=file.resolve().as_uri())
        for _ in range(WAIT * 20):
            if self.run("document.readyState") == "complete" and self.run("location.protocol") == "file:":
                return
            time.sleep(0.05)
        raise TimeoutError(f"{file} did not load")

    def run(self, script: str):
        """Return the value of a JavaScript expression."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def key(self, name: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def press(self, name: str, text: str) -> None:
        """Press a key that does what it does by default, as the text that it types."""
        for kind in ("keyDown", "keyUp"):
            self.ask(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name, text=text, windowsVirtualKeyCode=ord(text)
            )

    def move(self, x: float, y: float) -> None:
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def screenshot(self) -> bytes:
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])

    def close(self) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(WAIT)
