package main

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
)

// madeUpPhoto is a JPEG file of waves of colour with a fine pattern, about as hard to decode as a photo.
func madeUpPhoto(size image.Point) ([]byte, error) {
	picture := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			wave := func(a, b float64) byte {
				return byte(128 + 90*math.Sin(float64(x)/a)*math.Cos(float64(y)/b) + float64((x*7+y*13)%23))
			}
			picture.SetRGBA(x, y, color.RGBA{wave(40, 70), wave(55, 31), wave(90, 45), 255})
		}
	}
	var file bytes.Buffer
	err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: 88})
	return file.Bytes(), err
}
