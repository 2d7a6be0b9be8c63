"""Calls a DCE/RPC server with Samba's client library.

    samba-client.py BINDING            calls every operation of the interface rpcecho
    samba-client.py BINDING UUID MAJOR binds an interface that must be refused

A binding without an endpoint, `ncacn_ip_tcp:192.0.2.2`, makes the library ask the endpoint mapper, at port 135.
"""

import sys

from samba import NTSTATUSError
from samba.credentials import Credentials
from samba.dcerpc import echo
from samba.dcerpc.base import ClientConnection
from samba.param import LoadParm


def environment():
    parameters = LoadParm()
    parameters.load("/dev/null")
    credentials = Credentials()
    credentials.set_anonymous()
    return parameters, credentials


def call_everything(binding: str):
    connection = echo.rpcecho(binding, *environment())
    for number in (0, 1, 41, 0xFFFFFFFF):
        assert connection.AddOne(number) == (number + 1) % 2**32, number
    # One byte, a fragment and its neighbours, many fragments.
    for count in (0, 1, 7, 64, 4000, 65_000, 65_496, 65_504, 65_505, 100_000, 1_000_000):
        data = [(i * 7 + i // 256) % 256 for i in range(count)]
        assert connection.EchoData(data) == data, f"EchoData of {count} bytes"
        connection.SinkData(data)
        assert connection.SourceData(count) == [i % 256 for i in range(count)], f"SourceData of {count} bytes"
    try:
        connection.TestCall("text")
    except NTSTATUSError as error:
        print(f"unknown operation: {error.args[1]}")
    else:
        sys.exit("An operation that is not there was answered.")
    # The connection is still good.
    assert connection.AddOne(1) == 2


def bind_what_is_not_there(binding: str, uuid: str, major: int):
    try:
        ClientConnection(binding, (uuid, major), *environment())
    except NTSTATUSError as error:
        print(f"refused: {error.args[1]}")
    else:
        sys.exit("An interface that is not there was accepted.")


if len(sys.argv) == 2:
    call_everything(sys.argv[1])
else:
    bind_what_is_not_there(sys.argv[1], sys.argv[2], int(sys.argv[3]))
print("done")
