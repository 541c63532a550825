"""The methods of an event loop that a workflow may not use: each raises, and says what to do instead."""

import asyncio
from typing import Any, NoReturn

from murmuration.durable.errors import Forbidden


def _refusal(what: str, instead: str = "write an activity and await it") -> Any:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise Forbidden(what, instead)

    return refuse


_NO_THREADS = _refusal("a thread (run_in_executor, to_thread)")
_NO_NETWORK = _refusal("the network")
_NO_SUBPROCESS = _refusal("a subprocess")
_NO_SIGNALS = _refusal("signals", "raise an external event instead")
_NO_OTHER_LOOP = _refusal("another event loop", "await the coroutine here")


class RefusingLoop(asyncio.AbstractEventLoop):
    """An event loop without threads, network, subprocesses and signals."""

    get_exception_handler = set_exception_handler = set_task_factory = _refusal("handlers of its own")
    run_in_executor = set_default_executor = shutdown_default_executor = _NO_THREADS
    subprocess_exec = subprocess_shell = _NO_SUBPROCESS
    add_signal_handler = remove_signal_handler = _NO_SIGNALS
    run_forever = run_until_complete = stop = close = _NO_OTHER_LOOP
    create_connection = create_server = create_datagram_endpoint = start_tls = sendfile = _NO_NETWORK
    create_unix_connection = create_unix_server = connect_accepted_socket = _NO_NETWORK
    connect_read_pipe = connect_write_pipe = getaddrinfo = getnameinfo = _NO_NETWORK
    add_reader = add_writer = remove_reader = remove_writer = _NO_NETWORK
    sock_accept = sock_connect = sock_recv = sock_recv_into = sock_sendall = sock_sendfile = _NO_NETWORK
    sock_recvfrom = sock_recvfrom_into = sock_sendto = _NO_NETWORK
