"""What launchers speak to, as servers on the loopback that take down what they are asked for."""

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

IMAGE = "registry.example/clustering:7"
HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request: ``name`` is its method and path, or the operation that AWS is asked for."""

    name: str
    body: Any


@dataclass(kw_only=True)
class Machines:
    """Kubernetes, Docker or ECS, as far as a launcher asks; ``ended`` is how its one worker did."""

    answers: Callable[["Machines", Call], Any]
    calls: list[Call] = field(default_factory=list)
    ended: str | None = None
    refuses: bool = False

    def asked(self, part: str) -> list[Call]:
        """The calls of such a name."""
        return [call for call in self.calls if part in call.name]


@contextmanager
def served(machines: Machines) -> Generator[int]:
    """The port that answers for them."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            name = self.headers.get("X-Amz-Target", f"{self.command} {self.path}")
            call = Call(name=name, body=json.loads(sent or b"{}"))
            machines.calls.append(call)
            given = {"message": "no room"} if machines.refuses else machines.answers(machines, call)
            answer = json.dumps(given).encode()
            self.send_response(403 if machines.refuses else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - as the base class has them

        def log_request(self, *_code: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kubernetes(machines: Machines, call: Call) -> Any:
    """Of the batch and core APIs: a job, its state, its pod."""
    if "/pods" in call.name:
        state = {"terminated": {"exitCode": 137, "reason": machines.ended}}
        status = {"name": "dagster", "state": state, "image": IMAGE, "imageID": "", "ready": False}
        status["restartCount"] = 0
        pod = {
            "metadata": {"name": "worker"},
            "status": {"phase": "Failed", "containerStatuses": [status]},
        }
        return {"kind": "PodList", "items": [pod] if machines.ended else []}
    if "/events" in call.name:
        return {"kind": "EventList", "metadata": {}, "items": []}
    if call.name.startswith("POST"):
        return call.body
    return {"kind": "Job", "status": {"failed": 1} if machines.ended else {"active": 1}}


def docker(machines: Machines, call: Call) -> Any:
    """Of the engine's API: its version, one container."""
    if call.name.endswith("/version"):
        return {"ApiVersion": "1.44"}
    if "/json" in call.name:
        state = {"Status": "exited" if machines.ended else "running"}
        return {"Id": "c1", "State": state, "Image": IMAGE, "Config": {"Image": IMAGE}}
    return {"Id": "c1", "Warnings": []}


def ecs(machines: Machines, call: Call) -> Any:
    """One task of one definition."""
    if call.name.endswith("DescribeTaskDefinition"):
        containers = [{"name": "run", "image": IMAGE}]
        return {
            "taskDefinition": {"taskDefinitionArn": "arn:run:1", "containerDefinitions": containers}
        }
    container = {"name": "run", "exitCode": 137 if machines.ended else None}
    task = {
        "taskArn": "arn:task",
        "clusterArn": "arn:cluster",
        "lastStatus": "STOPPED" if machines.ended else "RUNNING",
        "stopCode": "EssentialContainerExited",
        "containers": [container],
    }
    return {"tasks": [task], "task": task, "failures": []}


KUBE = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "here",
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    "users": [{"name": "me", "user": {"token": "t"}}],
}


def kubeconfig(folder: Path, port: int) -> Path:
    """The file that says where Kubernetes is."""
    clusters = [{"name": "here", "cluster": {"server": f"http://{HOST}:{port}"}}]
    path = folder / "kubeconfig"
    path.write_text(json.dumps({**KUBE, "clusters": clusters}))
    return path


def launchers(folder: Path, port: int) -> Mapping[str, Mapping[str, Any]]:
    """What dagster.yaml says of each, all of them at that port."""
    return {
        "k8s": {
            "module": "dagster_k8s",
            "class": "K8sRunLauncher",
            "config": {
                "service_account_name": "dagster",
                "instance_config_map": "dagster-instance",
                "dagster_home": "/opt/dagster",
                "load_incluster_config": False,
                "kubeconfig_file": str(kubeconfig(folder, port)),
            },
        },
        "docker": {"module": "dagster_docker", "class": "DockerRunLauncher", "config": {}},
        "ecs": {
            "module": "dagster_aws.ecs",
            "class": "EcsRunLauncher",
            "config": {
                "task_definition": "run",
                "secrets_tag": None,
                "use_current_ecs_task_config": False,
                "run_task_kwargs": {"cluster": "main"},
            },
        },
    }
