#pragma once
#include <rpc/rpc.h>
