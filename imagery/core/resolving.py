"""Where names lead: looked up within a time limit, and every address checked."""

import socket
import threading

from imagery.core.addresses import FetchError, Resolver, Target, checked_addresses

MAX_ADDRESSES = 4  # of one name, tried in turn


def resolve(host: str, port: int) -> list[str]:
    """The system's answer: every address of the name, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def addresses_of(
    target: Target, resolver: Resolver, limit_s: float, allow_private: frozenset[str]
) -> list[str]:
    """The target's checked addresses, resolved within the limit; FetchError where it has none."""
    if target.literal is not None:
        return [target.literal]
    answer: list[list[str] | OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            answer.append(resolver(target.host, target.port))
        except (OSError, UnicodeError) as error:
            answer.append(error)

    # getaddrinfo takes no time limit. A thread of its own, not a pool: pools do not
    # survive the fork that queue workers make.
    thread = threading.Thread(target=look_up, daemon=True, name="resolve")
    thread.start()
    thread.join(max(0.0, limit_s))
    if not answer:
        raise FetchError(f"no answer in time to where {target.host} is", "dns", True)
    if isinstance(answer[0], OSError):
        again = getattr(answer[0], "errno", None) == socket.EAI_AGAIN
        what = "could not be looked up just now" if again else "does not exist"
        raise FetchError(f"the host {target.host} {what}", "dns", again)
    if isinstance(answer[0], UnicodeError):
        raise FetchError(f"{target.host} is not a host name", "bad_url")
    return checked_addresses(target, answer[0], allow_private)[:MAX_ADDRESSES]
