// Command render draws the sample pictures of clipseek: ten kinds of fruit, ray traced from signed distance
// shapes and procedural skins, with one caption a picture.
//
// It is for the pictures that ship with the project and for rendered training pictures of the demo model
// (another seed, more of them). It is not a general renderer: it knows these fruits, a few dishes, a few table
// tops and a few lights, and nothing is read from disk.
//
// The same seed gives the same scenes and, on one processor architecture with one Go release, the same bytes:
// image/jpeg may change its output between Go releases, and some architectures fuse multiply and add.
//
// # How a picture comes about
//
//   - crop.go and the file of each fruit: varieties, shapes and skins;
//   - compose.go, stage.go, layout.go, hands.go, settle.go: what lies where, in centimetres, y up, the table top at y = 0;
//   - container.go, ground.go, light.go, camera.go: dish, table, light and view;
//   - trace.go, shade.go, picture.go: rays, light transport and pixels;
//   - batch.go, caption.go, main.go: many pictures, their captions and the command line.
//
// The camera always stands on the +z side and looks towards -z.
package main
