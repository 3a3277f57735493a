module Shapes
  ( Shape (..)
  , area
  ) where

import Data.List (sortBy)

-- | What has an area.
data Shape
  = Circle Double
  | Square Double
  deriving (Show, Eq)

class Measured a where
  measure :: a -> Double
  measure _ = 0

instance Measured Shape where
  measure shape =
    area shape

-- | The area of a shape.
area :: Shape -> Double
area (Circle radius) = pi * radius * radius
area (Square side) =
  side * side

largest :: [Shape] -> Maybe Shape
largest [] = Nothing
largest shapes = Just (last sorted)
  where
    sorted = sortBy compareAreas shapes
    compareAreas one other =
      compare (area one) (area other)

limit :: Int
limit = 10

infixl 6 <+>
(<+>) :: Shape -> Shape -> Double
one <+> other =
  area one + area other

#ifdef USE_RADIANS
turn :: Double -> Double
turn angle = angle
#else
turnDegrees :: Double -> Double
turnDegrees angle = angle * pi / 180
#endif
