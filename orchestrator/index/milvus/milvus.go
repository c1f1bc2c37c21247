// Package milvus keeps an index in Milvus.
package milvus

import _ "github.com/milvus-io/milvus-sdk-go/v2/client" // the client that this package is made of
