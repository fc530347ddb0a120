"""The lab's hosts: a folder each, which is the home of the account ops, and a real sshd each.

A host's folder holds the state that runbooks change and the simulation follows:
    models/MODEL/active         the version that serves
    models/MODEL/versions/V     the versions that are there
    run/SERVICE.down            exists while the service is down: why
    run/SERVICE.drained         exists while it takes no traffic
    run/SERVICE.restarts        a line for each restart
    bin/                        the commands to change these, on the PATH of the account

sshd finds the account through nss_wrapper (an account list of our own, home and shell included),
so it needs no account of the machine. As root, sshd would also want the account "sshd" and
/run/sshd; uid_wrapper shows it an ordinary user id instead. Nothing outside the lab's folder is
read or made for this, and it needs no namespace, so it works in a bare chroot too.
"""

import os
import re
import subprocess

from .process import Child
from .world import (GOOD_VERSION, MODEL, RANKER, RANKER_VERSION, RANKER_VERSIONS, SERVING_HOSTS,
                    VERSIONS, WEB_HOSTS)

USER = "ops"
ROOT_STANDS_FOR_UID = 4242
ADDRESSES = {  # each its own loopback address, like hosts of a network
    **{host: f"127.0.77.{11 + i}" for i, host in enumerate(WEB_HOSTS)},
    **{host: f"127.0.77.{21 + i}" for i, host in enumerate(SERVING_HOSTS)},
    "features-01": "127.0.77.31", "feedback-01": "127.0.77.32", "registry-01": "127.0.77.33",
}
SSH_HOSTS = WEB_HOSTS + SERVING_HOSTS
JUMP_HOSTS = WEB_HOSTS[:2]  # may be jumped through, and on from one to the other
SERVICE = {**{h: "web" for h in WEB_HOSTS}, **{h: "spam-filter" for h in SERVING_HOSTS}}

_COMMON = """#!/bin/sh
set -eu
me=${0##*/}
die() { printf '%s: %s\\n' "$me" "$*" >&2; exit 1; }
plain() { case $1 in ''|.*|*[!A-Za-z0-9._-]*) die "bad name: $1" ;; esac; }
"""
_SERVICE = _COMMON + """
[ $# -eq 1 ] || { echo "usage: $me SERVICE" >&2; exit 2; }
plain "$1"
run=$HOME/run/$1
[ -e "$run.service" ] || die "no service $1 on this host"
"""
COMMANDS = {
    "activate-model": _COMMON + """
[ $# -eq 2 ] || { echo "usage: $me MODEL VERSION" >&2; exit 2; }
plain "$1"; plain "$2"
cd "$HOME/models/$1" 2>/dev/null || die "no model $1 on this host"
[ -e "versions/$2" ] || die "$1 has no version $2 here (there: $(echo $(ls versions)))"
printf '%s\\n' "$2" >"active.$$"
mv "active.$$" active
echo "activated $1 $2"
""",
    "active-model": _COMMON + """
[ $# -eq 1 ] || { echo "usage: $me MODEL" >&2; exit 2; }
plain "$1"
cat "$HOME/models/$1/active" 2>/dev/null || die "no model $1 on this host"
""",
    "restart-service": _SERVICE + """
rm -f "$run.down"
date -u +%Y-%m-%dT%H:%M:%SZ >>"$run.restarts"
echo "restarted $1"
""",
    "stop-service": _SERVICE + """
[ -e "$run.down" ] || echo "stopped by an operator" >"$run.down"
echo "stopped $1"
""",
    "start-service": _SERVICE + """
rm -f "$run.down"
echo "started $1"
""",
    "drain-service": _SERVICE + """
: >"$run.drained"
echo "drained $1: no new requests"
""",
    "undrain-service": _SERVICE + """
rm -f "$run.drained"
echo "undrained $1: takes requests"
""",
    "service-state": _SERVICE + """
if [ -e "$run.down" ]; then echo stopped
elif [ -e "$run.drained" ]; then echo drained
else echo running
fi
""",
}

_SSHD_CONFIG = """\
ListenAddress {address}:{port}
HostKey "{key}"
PidFile none
AllowUsers {user}
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile .ssh/authorized_keys
StrictModes yes
UsePAM no
UseDNS no
PermitUserEnvironment no
PermitUserRC no
{forwarding}
PrintMotd no
PrintLastLog no
MaxStartups 64:30:256
MaxSessions 32
LogLevel INFO
SetEnv "PATH={path}" OPSLAB_HOST={host}
Subsystem sftp internal-sftp
"""
_NO_FORWARDING = "DisableForwarding yes"
_JUMPS = """\
AllowTcpForwarding local
AllowStreamLocalForwarding no
AllowAgentForwarding no
X11Forwarding no
PermitTunnel no"""


class HostFiles:
    """The hosts' folders, and what the simulation reads from them."""

    def __init__(self, state):
        self.state = state

    def make(self):
        for host in SSH_HOSTS:
            model, versions, active = RANKER, RANKER_VERSIONS, RANKER_VERSION
            if host in SERVING_HOSTS:
                model, versions, active = MODEL, VERSIONS, GOOD_VERSION
            for version in versions:
                self.state.write(f"hosts/{host}/models/{model}/versions/{version}", f"{model} {version}\n")
            self.activate(host, model, active)
            self.state.write(f"hosts/{host}/run/{SERVICE[host]}.service", "")
            for name, text in COMMANDS.items():
                self.state.write(f"hosts/{host}/bin/{name}", text, mode=0o700)

    def activate(self, host, model, version):
        self.state.write(f"hosts/{host}/models/{model}/active", version + "\n")

    def active(self, host, model):
        return self.state.read(f"hosts/{host}/models/{model}/active") or ""

    def is_down(self, host):
        return os.path.exists(self._down(host))

    def crash(self, host):
        self.state.write(f"hosts/{host}/run/{SERVICE[host]}.down", "killed by signal 9\n")

    def restart(self, host):
        if self.is_down(host):
            os.unlink(self._down(host))

    def is_drained(self, host):
        return os.path.exists(self.state.file("hosts", host, "run", SERVICE[host] + ".drained"))

    def restarts(self, host):
        """How often it was restarted by command."""
        return len((self.state.read(f"hosts/{host}/run/{SERVICE[host]}.restarts") or "").splitlines())

    def _down(self, host):
        return self.state.file("hosts", host, "run", SERVICE[host] + ".down")


class Sshd:
    """One sshd for each host, and the ssh files a client needs."""

    def __init__(self, state, servers, port):
        self.state, self.servers, self.port = state, servers, port
        self.sshd = servers.find("sshd")
        self.keygen = servers.find("ssh-keygen")
        self.nss = servers.find_library("libnss_wrapper.so")
        self.uid = servers.find_library("libuid_wrapper.so")

    def missing(self):
        """What is not there, as words for the person; empty when the hosts can be started."""
        parts = {"sshd": self.sshd, "ssh-keygen": self.keygen, "libnss_wrapper.so": self.nss}
        if os.geteuid() == 0:
            parts["libuid_wrapper.so"] = self.uid
        return [name for name, path in parts.items() if not path]

    def start(self):
        """Start them all; returns the children."""
        self._keys()
        self._client_files()
        helpers = self._helpers()
        return [self._start_host(host, helpers) for host in SSH_HOSTS]

    def _key(self, name):
        path = self.state.file("ssh", name)
        if not os.path.exists(path + ".pub"):
            subprocess.run([self.keygen, "-q", "-t", "ed25519", "-N", "", "-C", f"opslab {name}", "-f", path],
                           env=self.servers.environment(self.keygen), check=True, stdin=subprocess.DEVNULL)
        with open(path + ".pub", encoding="ascii") as f:
            return f.read().strip()

    def _keys(self):
        os.makedirs(self.state.file("ssh"), mode=0o700, exist_ok=True)
        user_key = self._key("id_ed25519")
        known = []
        for host in SSH_HOSTS:
            host_key = self._key(host + ".key").rsplit(" ", 2)[0]
            known.append(f"[{ADDRESSES[host]}]:{self.port},{host} {host_key}\n")
            self.state.write(f"hosts/{host}/.ssh/authorized_keys", user_key + "\n")
        self.state.write("ssh/known_hosts", "".join(known))

    def _client_files(self):
        blocks = [f"Host {host}\n\tHostName {ADDRESSES[host]}\n\tHostKeyAlias {host}\n" for host in SSH_HOSTS]
        blocks.append(
            f"Host *\n\tPort {self.port}\n\tUser {USER}\n\tIdentityFile \"{self.state.file('ssh/id_ed25519')}\"\n"
            f"\tIdentitiesOnly yes\n\tIdentityAgent none\n\tStrictHostKeyChecking yes\n"
            f"\tUserKnownHostsFile \"{self.state.file('ssh/known_hosts')}\"\n\tGlobalKnownHostsFile /dev/null\n")
        self.state.write("ssh/config", "\n".join(blocks))

    def _release(self):
        """(major, minor) of this OpenSSH. All of them print it for -V, some with a complaint."""
        out = subprocess.run([self.sshd, "-V"], env=self.servers.environment(self.sshd), check=False,
                             capture_output=True, text=True, stdin=subprocess.DEVNULL)
        match = re.search(r"OpenSSH_(\d+)\.(\d+)", out.stderr + out.stdout)
        return (int(match[1]), int(match[2])) if match else (0, 0)

    def _helpers(self):
        """Since 9.8 sshd runs helper programs, from a fixed folder unless told otherwise."""
        release, lines = self._release(), []
        folder = os.path.join(os.path.dirname(os.path.dirname(self.sshd)), "lib/openssh")
        for option, name, since in (("SshdSessionPath", "sshd-session", (9, 8)),
                                    ("SshdAuthPath", "sshd-auth", (10, 0))):
            path = os.path.join(folder, name)
            if release >= since and os.path.exists(path):
                lines.append(f'{option} "{path}"\n')
        return "".join(lines)

    def _start_host(self, host, helpers):
        home = self.state.file("hosts", host)
        uid, gid = os.geteuid(), os.getegid()
        if uid == 0:
            uid = gid = ROOT_STANDS_FOR_UID
        self.state.write(f"ssh/{host}.passwd", f"{USER}:*:{uid}:{gid}:Lab operator:{home}:/bin/sh\n")
        self.state.write(f"ssh/{host}.group", f"{USER}:x:{gid}:\n")
        config = f"ssh/{host}.sshd_config"
        self.state.write(config, helpers + _SSHD_CONFIG.format(
            address=ADDRESSES[host], port=self.port, key=self.state.file("ssh", host + ".key"), user=USER, host=host,
            forwarding=_JUMPS if host in JUMP_HOSTS else _NO_FORWARDING, path=f"{home}/bin:/usr/local/bin:/usr/bin:/bin"))
        env = self.servers.environment(
            self.sshd, NSS_WRAPPER_PASSWD=self.state.file("ssh", host + ".passwd"),
            NSS_WRAPPER_GROUP=self.state.file("ssh", host + ".group"), LD_PRELOAD=self.nss)
        if os.geteuid() == 0:
            env.update(LD_PRELOAD=f"{self.nss}:{self.uid}", UID_WRAPPER="1",
                       UID_WRAPPER_INITIAL_RUID=str(uid), UID_WRAPPER_INITIAL_EUID=str(uid))
        return Child(f"sshd-{host}", [self.sshd, "-D", "-e", "-f", self.state.file(config)], env,
                     self.state.file("logs", f"sshd-{host}.log"), home)
